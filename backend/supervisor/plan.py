"""What a site runs and where, as data."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import SupervisorError

_GUNICORN_STOP_SECONDS = 35.0  # gunicorn.conf.py gives requests 30
_CELERY_STOP_SECONDS = 60.0  # a background job is let finish
_CLOCK_STOP_SECONDS = 10.0
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of the site; after `stop_seconds` it is no longer asked to stop but made to."""

    name: str
    argv: tuple[str, ...]
    stop_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A site: its data folder, its address, what prepares it, what then runs, in the order of stopping."""

    folder: Path
    host: str
    port: int
    environment: Mapping[str, str]
    prepare: Program
    services: tuple[Program, ...]

    @property
    def local_host(self) -> str:
        """Where this machine itself reaches the site."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104  no bind

    @property
    def address(self) -> str:
        """The URL of the site, seen from this machine."""
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}"

    @property
    def needs_servers(self) -> bool:
        """Whether the site runs on the embedded servers, at least in part."""
        return not (self.environment.get("DATABASE_URL") and self.environment.get("REDIS_URL"))


def plan(environment: Mapping[str, str]) -> Plan:
    """The plan of the site that the environment describes (HOST, PORT, TANHUI_VAR, WORKER_PROCESSES).

    Raises SupervisorError if PORT is not a port.
    """
    folder = Path(environment.get("TANHUI_VAR") or "var").absolute()
    return Plan(
        folder=folder,
        host=environment.get("HOST") or "127.0.0.1",
        port=_port(environment.get("PORT") or "8000"),
        environment=environment,
        prepare=Program(name="The preparation", argv=_python("flask --app wsgi prepare"), stop_seconds=10),
        services=(
            Program(
                name="The web server",
                argv=_python("gunicorn -c gunicorn.conf.py wsgi:app"),
                stop_seconds=_GUNICORN_STOP_SECONDS,
            ),
            # Not as the worker's `--beat`: nobody starts that again when it dies, and nothing is projected any more.
            Program(
                name="The clock",
                argv=(*_celery("beat"), "--schedule", str(folder / "beat" / "schedule")),
                stop_seconds=_CLOCK_STOP_SECONDS,
            ),
            Program(
                name="The background worker",
                argv=(*_celery("worker"), "--concurrency", environment.get("WORKER_PROCESSES") or "2"),
                stop_seconds=_CELERY_STOP_SECONDS,
            ),
        ),
    )


def _celery(part: str) -> tuple[str, ...]:
    return _python(f"celery --quiet -A tasks.app {part} --loglevel WARNING")


def _python(module_and_options: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *module_and_options.split())


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise SupervisorError(f"PORT={text} is not a port: set PORT to a number from 1 to {_HIGHEST_PORT}.")
    return int(text)
