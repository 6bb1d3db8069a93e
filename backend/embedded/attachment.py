"""Who uses the servers: the first starts them, the last to leave stops them.

Each process holds a shared lock on a file of the data folder; the kernel takes it back, however the process
ends. Whoever leaves tries to make it exclusive: that works for the last one only. Starting and stopping
happen under a lock of their own, so that nobody arrives in the middle of either.
"""

import atexit
import os
from dataclasses import dataclass
from pathlib import Path

from . import daemon, locks, postgres, valkey
from .daemon import Daemon
from .folder import DataFolder, discard_sockets, open_folder, socket_folder, unwritable

_uses: dict[Path, int] = {}


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, for SQLAlchemy (`database_url`) and redis-py (`redis_url`)."""

    database_url: str
    redis_url: str


def attach(folder: Path) -> Servers:
    """Make sure that PostgreSQL and Valkey run with their data in `folder`; use them until this process ends.

    The folder is made, for us alone, if absent. Attaching again repairs what has died since. A forked child
    does not use the servers until it attaches itself. Raises EmbeddedError, one sentence that tells the
    cure.
    """
    opened = open_folder(folder)
    try:
        return _attach(opened)
    except OSError as error:
        raise unwritable(opened.path, error) from error


def release(folder: Path) -> None:
    """Use the servers of `folder` no longer; the last to leave stops them. It happens by itself at exit."""
    path = folder.absolute().resolve()
    if path in _uses:
        opened = open_folder(path)
        with locks.exclusive(opened.lock("start")):
            _leave(opened)


def holds_site(folder: Path) -> bool:
    """Whether somebody has begun a site in `folder`; nothing is made or started."""
    return postgres.is_initialised(folder)


def not_answering(folder: Path) -> tuple[str, ...]:
    """The names of the servers of `folder` that do not answer now."""
    return tuple(server.name for server in _daemons(open_folder(folder)) if not daemon.answers(server))


def _attach(folder: DataFolder) -> Servers:
    with locks.exclusive(folder.lock("start")):
        is_new = folder.path not in _uses
        if is_new:
            _uses[folder.path] = locks.take_shared(folder.lock("users"))
        try:
            postgres.initialise(folder)
            for server in _daemons(folder):
                daemon.ensure(server)
        except BaseException:
            if is_new:
                _leave(folder)
            raise
        sockets = socket_folder(folder)
        return Servers(database_url=postgres.url(sockets), redis_url=valkey.url(sockets))


def _leave(folder: DataFolder) -> None:
    use = _uses.pop(folder.path)
    try:
        if locks.upgrade(use):
            for server in _daemons(folder):
                daemon.stop(server)
            discard_sockets(folder)
    finally:
        os.close(use)


def _daemons(folder: DataFolder) -> tuple[Daemon, Daemon]:
    sockets = socket_folder(folder)
    return postgres.daemon(folder, sockets=sockets), valkey.daemon(folder, sockets=sockets)


def _release_all() -> None:
    for path in tuple(_uses):
        release(path)


def _forget_in_child() -> None:
    # Closing only drops the child's hand on the lock; the parent's stays.
    for use in _uses.values():
        os.close(use)
    _uses.clear()


atexit.register(_release_all)
os.register_at_fork(after_in_child=_forget_in_child)
