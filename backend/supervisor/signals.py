"""Waiting for somebody to ask us to stop, or for a child to die, whichever comes first."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Self

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, signals end a `wait` instead of the process. Only for the main thread."""

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._outer_wakeup = signal.set_wakeup_fd(self._write)
        self._outer = {number: signal.signal(number, _note) for number in (*_STOP, signal.SIGCHLD)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._outer.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._outer_wakeup)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> bool:
        """Wait for at most `seconds`, less if a child dies; True if we were asked to stop."""
        readable, _, _ = select.select([self._read], [], [], seconds)
        arrived = os.read(self._read, 512) if readable else b""
        return any(number in arrived for number in _STOP)


def _note(number: int, frame: FrameType | None) -> None:
    """Do nothing: Python writes the number of a handled signal to the pipe."""
