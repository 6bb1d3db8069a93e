"""Starting, awaiting and stopping one server, whatever was killed before.

Whether a server lives is not asked of process ids, which a kill -9 leaves behind and which the machine
gives out again: each server and all its children hold an exclusive lock from birth to death. A lock that is
free means that none of them lives, and that every process id and socket lying about is stale.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import account, locks
from .account import Account
from .errors import EmbeddedError
from .folder import disk_full

_START_SECONDS = 30.0
_DEAF_SECONDS = 5.0  # how long a living server may not answer before it is replaced
_RECOVERY_SECONDS = 300.0  # one that answers while it replays its log needs patience, not a restart
_POLL_SECONDS = 0.02
_LOG_BYTES = 10 * 1024 * 1024
_PROCESSES = Path("/proc")  # absent on macOS

Steps = tuple[tuple[signal.Signals, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A server: the program, its files, and how to tell that it is `ready` once its socket answers."""

    name: str
    argv: tuple[str, ...]
    home: Path
    socket: Path
    pid_file: Path
    lock: Path
    log: Path
    stop_signal: signal.Signals
    ready: Callable[[], bool]
    account: Account


def answers(daemon: Daemon) -> bool:
    """Whether somebody listens at the server's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(_DEAF_SECONDS)
        try:
            attempt.connect(str(daemon.socket))
        except (TimeoutError, BlockingIOError):
            # Overloaded, not dead: somebody listens, and its queue is full. Linux says so at once.
            return True
        except OSError:
            return False
    return True


def ensure(daemon: Daemon) -> None:
    """Return once the server is ready, having started it if it was not.

    The caller holds the lock on starting and stopping. Raises EmbeddedError if the server does not come up.
    """
    if _comes_up(daemon, seconds=_DEAF_SECONDS):
        return
    _end(daemon, steps=((signal.SIGQUIT, 5), (signal.SIGKILL, 5)))
    log_start = _start(daemon)
    if not _comes_up(daemon, seconds=_START_SECONDS):
        raise _failed(daemon, since=log_start)


def stop(daemon: Daemon) -> None:
    """Return once the server has gone, cleanly if it will; raises EmbeddedError if it stays.

    The caller holds the lock on starting and stopping.
    """
    _end(daemon, steps=((daemon.stop_signal, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)))


def _comes_up(daemon: Daemon, *, seconds: float) -> bool:
    """Wait while the server lives and may become ready; False if it is dead, or deaf for `seconds`."""
    began = time.monotonic()
    while locks.is_held(daemon.lock):
        listening = answers(daemon)
        if listening and daemon.ready():
            return True
        if time.monotonic() - began > (_RECOVERY_SECONDS if listening else seconds):
            return False
        time.sleep(_POLL_SECONDS)
    return False


def _start(daemon: Daemon) -> int:
    """Start the server and return where in its log this start begins."""
    # Whoever only asks whether the lock is held holds it for a moment.
    lock = locks.take_exclusive(daemon.lock, seconds=_START_SECONDS)
    if lock is None:
        raise _stays(daemon)
    try:
        socket_lock = daemon.socket.with_name(f"{daemon.socket.name}.lock")
        for stale in (daemon.pid_file, daemon.socket, socket_lock):
            stale.unlink(missing_ok=True)
        if daemon.log.exists() and daemon.log.stat().st_size > _LOG_BYTES:
            daemon.log.replace(daemon.log.with_suffix(".old.log"))
        with daemon.log.open("ab") as log:
            begins = log.tell()  # what the server writes moves this on: it shares the open file
            account.start(daemon.account, daemon.argv, folder=daemon.home, log=log, keep=lock)
        return begins
    finally:
        os.close(lock)


def _end(daemon: Daemon, *, steps: Steps) -> None:
    for number, seconds in steps:
        deadline = time.monotonic() + seconds
        _send(daemon, number)
        while locks.is_held(daemon.lock):
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise _stays(daemon)


def _send(daemon: Daemon, number: signal.Signals) -> None:
    try:
        pid = int(daemon.pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        if locks.is_held(daemon.lock) and _is_server(daemon, pid):
            os.kill(pid, number)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        # It has gone, or it was killed before it wrote its process id down.
        return


def _is_server(daemon: Daemon, pid: int) -> bool:
    if not _PROCESSES.is_dir():
        return True
    return os.fsencode(daemon.home) in (_PROCESSES / str(pid) / "cmdline").read_bytes()


def _stays(daemon: Daemon) -> EmbeddedError:
    return EmbeddedError(
        f"A process of the former {daemon.name} still works in {daemon.home}: wait for it or end it, then start again."
    )


def _failed(daemon: Daemon, *, since: int) -> EmbeddedError:
    with daemon.log.open("rb") as log:
        log.seek(since)
        said = log.read().decode(errors="replace")
    if "No space left on device" in said:
        return disk_full(daemon.home.parent)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["nothing"]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
    return EmbeddedError(
        f"{daemon.name} did not come up: put right what its log {daemon.log} says ({telling[-1]}), then start again."
    )
