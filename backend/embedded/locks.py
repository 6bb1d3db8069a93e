"""Advisory file locks: the kernel drops them when their last holder dies, however it dies.

A lock belongs to an open file and not to a process, so a child that inherits the file holds the lock too.
The servers are meant to (see daemon.py); nobody else is, and files are opened close-on-exec.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import EmbeddedError

_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 180


def take_shared(path: Path) -> int:
    """Return a file descriptor that holds a shared lock on `path`; closing it gives the lock back."""
    descriptor = _open(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def take_exclusive(path: Path, *, seconds: float) -> int | None:
    """Return a file descriptor that holds the exclusive lock on `path`; None if `seconds` did not suffice."""
    descriptor = _open(path)
    deadline = time.monotonic() + seconds
    while not upgrade(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(_POLL_SECONDS)
    return descriptor


def upgrade(descriptor: int) -> bool:
    """Make the lock of `descriptor` exclusive without waiting; False if somebody else holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether some process holds the exclusive lock on `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at once do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the exclusive lock on `path` inside the block; raises EmbeddedError after three minutes of waiting."""
    descriptor = take_exclusive(path, seconds=_PATIENCE_SECONDS)
    if descriptor is None:
        raise EmbeddedError(
            f"Another process has been starting or stopping the servers of {path.parent.parent} for"
            f" {_PATIENCE_SECONDS} s: end it (it holds {path}), then start again."
        )
    try:
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
