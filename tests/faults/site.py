"""A site of real processes in a folder of its own: run by the supervisor, durable, as it is in service."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import psycopg

from backend.embedded import folder as data_folder
from backend.embedded import postgres, valkey
from backend.supervisor.child import end_with_parent
from tests.apart import free_port, surroundings
from tests.faults.parts import Part, processes
from tests.faults.time_outs import TimeOuts

ROOT = Path(__file__).parents[2]
UP_S = 120.0
STOP_S = 150.0
POLL_S = 0.02
PASSWORD = "correct horse battery"
NOON = ZoneInfo(f"Etc/GMT{datetime.now(UTC).hour - 12:+d}")
"""Where it is about noon now: no run is so long that its city's midnight comes, after which 'yesterday' is another."""
_OURS = {
    "HOST": "127.0.0.1",
    "CITY_TIME_ZONE": NOON.key,
    "TANHUI_SIMULATE": "off",
    "WEB_WORKERS": "2",
    "WEB_THREADS": "8",
    "WORKER_PROCESSES": "2",
    # All clients of a test sign in from one address.
    "RATE_LIMIT": "100000/minute",
    "LOG_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Answer:
    """What came back over the wire."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def good(self) -> bool:
        """Whether the site did what it was asked."""
        return 200 <= self.status < 300


class Site:
    """A site in `folder`, at 127.0.0.1:`port`; `environment` says what differs from a site in service."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder.with_suffix(".log")
        ours = {**_OURS, "TANHUI_VAR": str(folder), "PORT": str(self.port)}
        self._environment = surroundings() | ours | environment
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def supervisor(self) -> psutil.Process:
        """The process that watches over all others."""
        assert self._supervisor is not None, "The site was not started."
        return psutil.Process(self._supervisor.pid)

    @property
    def database_url(self) -> str:
        """Where its PostgreSQL is, for SQLAlchemy."""
        return self._environment.get("DATABASE_URL") or postgres.url(self._sockets)

    @property
    def redis_url(self) -> str:
        """Where its Valkey is, for redis-py."""
        return self._environment.get("REDIS_URL") or valkey.url(self._sockets)

    @property
    def environment(self) -> dict[str, str]:
        """What a program is told that works on this site: it starts and stops no servers."""
        return self._environment | {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    @property
    def time_outs(self) -> TimeOuts:
        """Those that it is started with."""
        return TimeOuts.of(self._environment)

    @property
    def _sockets(self) -> Path:
        return data_folder.socket_folder(data_folder.open_folder(self.folder))

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        with self.log.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "backend.supervisor"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  no thread has started yet
            )
        until(self._is_up, seconds=UP_S, what=self._not_up)

    def stop(self) -> None:
        """Stop it in order; raises AssertionError if it does not go, or leaves a process behind."""
        if self._supervisor is None:
            return
        self._supervisor.terminate()
        try:
            code = self._supervisor.wait(STOP_S)
            self.let_go()
            left = self.processes()
            assert (code, left) == (0, []), f"It ended with {code} and left {left} behind:\n{self.said()}"
        finally:
            self.clear()

    def let_go(self) -> None:
        """What is left to do for whoever started it, once the supervisor has ended."""

    def clear(self) -> None:
        """Kill what is left of it."""
        for process in self.processes():
            try:
                process.kill()
                process.wait(10)
            except psutil.NoSuchProcess:
                continue
        if self._supervisor is not None:
            self._supervisor.wait(10)
        self._supervisor = None

    def processes(self) -> list[psutil.Process]:
        """All processes that belong to it, the servers included."""
        found = {process for process in psutil.process_iter() if _belongs(process, str(self.folder))}
        # PostgreSQL's own children hide what they were started with.
        return list(found.union(*(_descendants(process) for process in found)))

    def find(self, part: Part) -> list[psutil.Process]:
        """The living processes of a part, in no order; none while it is down."""
        return processes(part, supervisor=self.supervisor, folder=self.folder)

    def said(self) -> str:
        """The last of what its programs have printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = 30.0,
    ) -> Answer:
        """An answer on a connection of its own; raises OSError or http.client.HTTPException where none comes.

        `body` is bytes as they are, or something for JSON.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            return exchange(connection, method, path, body, headers=headers)
        finally:
            connection.close()

    def flask(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the application on this site: `flask("verify")`."""
        argv = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(
            argv, cwd=ROOT, env=self.environment, input=text, capture_output=True, text=True, check=False
        )

    def connect(self, *, role: str = "tanhui") -> psycopg.Connection[Any]:
        """A connection to its database on which every statement is its own transaction."""
        url = self.database_url.replace("+psycopg", "").replace("//tanhui@", f"//{role}@")
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query, as they are committed."""
        with self.connect() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]  # the text is a test's own

    def sign_in(self, name: str) -> dict[str, str]:
        """The Authorization header of the resident `name`, who is made at the first time."""
        answer = self.ask("POST", "/api/v1/auth/wechat", {"code": f"dev-{name}"})
        assert answer.good, answer
        return {"Authorization": f"Bearer {answer.body['token']}"}

    def new_admin(self, name: str, *, role: str = "owner") -> dict[str, str]:
        """Make an admin; its Authorization header."""
        made = self.flask("admin", "create", name, "--role", role, "--password-stdin", text=PASSWORD)
        assert made.returncode == 0, made.stderr
        answer = self.ask("POST", "/api/v1/admin/auth", {"username": name, "password": PASSWORD})
        assert answer.good, answer
        return {"Authorization": f"Bearer {answer.body['token']}"}

    def ready(self) -> bool:
        """Whether it answers, and everything behind it is there."""
        try:
            return self.ask("GET", "/readyz", seconds=10).body.get("status") == "ready"
        except (OSError, http.client.HTTPException):
            return False

    def _is_up(self) -> bool:
        assert self._supervisor is not None
        if self._supervisor.poll() is not None:
            raise AssertionError(f"It ended with {self._supervisor.returncode}:\n{self.said()}")
        return self.ready() and all(self.find(part) for part in Part)

    def _not_up(self) -> str:
        return f"It is not up; missing: {[part for part in Part if not self.find(part)]}\n{self.said()}"


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Site]:
    """A site that is up inside the block and gone after it, whatever happens inside."""
    site = Site(folder, **environment)
    try:
        site.start()
        yield site
        site.stop()
    finally:
        site.clear()


def until(
    condition: Callable[[], bool], *, seconds: float, what: Callable[[], str] = lambda: "It never came about."
) -> float:
    """Wait for what other processes do; the seconds it took. Raises AssertionError with `what` after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, what()
        time.sleep(POLL_S)
    return time.monotonic() - began


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Ask on an open connection."""
    plain = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content-Type": "application/json"} if plain is not None else {}
    connection.request(method, path, plain, told | dict(headers or {}))
    response = connection.getresponse()
    text = response.read()
    is_json = "json" in (response.headers.get("Content-Type") or "")
    return Answer(response.status, dict(response.headers), json.loads(text) if is_json else text)


def kill(process: psutil.Process) -> None:
    """kill -9."""
    process.send_signal(signal.SIGKILL)


def _belongs(process: psutil.Process, folder: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return folder in " ".join(process.cmdline()) or process.environ().get("TANHUI_VAR") == folder
    except psutil.Error:
        return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
