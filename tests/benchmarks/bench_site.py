"""A site of its own for the benchmarks: embedded servers in a temporary folder, durable, and gunicorn."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from rich.console import Console

from backend import create_app, embedded
from backend.config import Settings
from backend.database import db
from backend.database.abreast import cores
from backend.preparation import schema
from backend.web import Application
from tests.apart import surroundings
from tests.benchmarks.web_server import WebServer, serving

WEB_PROCESSES = cores()
WEB_THREADS = 8
CONNECTIONS = WEB_PROCESSES * WEB_THREADS
"""As many clients as the web server has threads: more would only wait in its queue."""
REQUESTS_A_MINUTE = 1_000
"""Of one resident, instead of 120: a thousand readers, and one hot resident after the other, stand for a city's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchSite:
    """A running site, the empty application beside it, and an application in this process for making data.

    Outside its context: there may be several.
    """

    folder: Path
    app: Application
    web: WebServer
    empty: WebServer
    environment: Mapping[str, str]
    """What programs of this site are told."""
    programs: dict[str, Sequence[int]] = field(default_factory=dict)
    """Process ids, by name, of what a row itself has started beside these."""

    @property
    def socket_folder(self) -> str:
        """Where PostgreSQL listens, for libpq."""
        return parse_qs(urlsplit(self.environment["DATABASE_URL"]).query)["host"][0]

    @property
    def postmaster(self) -> int:
        """The process id of PostgreSQL's first process."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])

    @property
    def valkey(self) -> int:
        """The process id of Valkey."""
        return int((self.folder / "run" / "valkey.pid").read_text())

    def connect(self, *, user: str = "tanhui") -> psycopg.Connection:
        """A connection to the site's database on which every statement is its own transaction."""
        return psycopg.connect(f"host={self.socket_folder} user={user} dbname=tanhui", autocommit=True)

    def checkpoint(self) -> None:
        """Have what was changed written to disk now: else a row would wait for what the making of its data left."""
        # The application's role may not ask for it.
        with self.connect(user="postgres") as connection:
            connection.execute("CHECKPOINT")


@contextmanager
def running(console: Console, *, database_url: str | None = None) -> Iterator[BenchSite]:
    """A site that is up inside the block, and gone with all its data after it.

    With a `database_url` its data lie there, and stay.
    """
    folder = Path(tempfile.mkdtemp(prefix="tanhui-bench-")) / "var"
    try:
        console.print(f"[dim]Starting PostgreSQL, Valkey and gunicorn in {folder.parent}[/dim]")
        servers = embedded.attach(folder)
        if database_url:
            servers = replace(servers, database_url=database_url)
        environment = _environment(folder, servers)
        app = _prepared(environment)
        logs = folder / "logs"
        # Each gunicorn empties its metrics folder when it starts.
        apart = environment | {"TANHUI_VAR": str(folder / "empty")}
        with (
            serving("wsgi:app", environment=environment, log=logs / "web.log") as web,
            serving("tests.benchmarks.empty:app", environment=apart, log=logs / "empty.log") as empty,
        ):
            yield BenchSite(folder=folder, app=app, web=web, empty=empty, environment=environment)
            with app.app_context():
                for engine in db.engines.values():
                    engine.dispose()
    finally:
        embedded.release(folder)
        shutil.rmtree(folder.parent)


def _environment(folder: Path, servers: embedded.Servers) -> dict[str, str]:
    return surroundings() | {
        "TANHUI_VAR": str(folder),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": secrets.token_hex(32),
        "WECHAT_SECRET": secrets.token_hex(16),
        "LOG_LEVEL": "WARNING",
        "RATE_LIMIT": f"{REQUESTS_A_MINUTE}/minute",
        "WEB_WORKERS": str(WEB_PROCESSES),
        "WEB_THREADS": str(WEB_THREADS),
    }


def _prepared(environment: Mapping[str, str]) -> Application:
    app = create_app(Settings.from_environment(environment))
    with app.app_context():
        schema.bring_up_to_date()
    return app
