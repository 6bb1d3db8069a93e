"""gunicorn with the product's own settings, on a free port, in a process group of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.supervisor.child import end_with_parent
from tests.apart import free_port

_ROOT = Path(__file__).parents[2]
_UP_S = 60.0
_STOP_S = 40.0
_POLL_S = 0.05


class WebServerError(RuntimeError):
    """gunicorn did not come up; the sentence says where its reason stands."""


@dataclass(frozen=True)
class WebServer:
    """A running gunicorn: the port it listens on, and its master's process id."""

    port: int
    pid: int


@contextmanager
def serving(application: str, *, environment: Mapping[str, str], log: Path, code: Path = _ROOT) -> Iterator[WebServer]:
    """`module:name` of the code in a folder served inside the block; raises WebServerError if it does not answer."""
    port = free_port()
    told = {**environment, "HOST": "127.0.0.1", "PORT": str(port)}
    argv = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]
    with log.open("wb") as file:
        process = subprocess.Popen(
            argv,
            cwd=code,
            env=told,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509  no thread has started yet
        )
    try:
        _wait_until_it_answers(process, port=port, log=log)
        yield WebServer(port, process.pid)
    finally:
        _stop(process)


def _wait_until_it_answers(process: subprocess.Popen, *, port: int, log: Path) -> None:
    deadline = time.monotonic() + _UP_S
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise WebServerError(f"gunicorn did not come up:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(_POLL_S)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(8) == b"HTTP/1.1"
    except OSError:
        return False


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
