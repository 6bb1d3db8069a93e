"""That a server does not answer, as a process knows: were each caller to find out by itself, all threads would wait."""

import time
from collections.abc import Callable
from threading import Lock

import structlog

_log = structlog.get_logger()


class Silence:
    """Whether a server answers; shared by all threads of a process.

    `meanwhile`: for the log, what callers do until it does; `pause_s`: how long it is left alone; `error`: what those
    get who would ask meanwhile.
    """

    def __init__(self, server: str, *, meanwhile: str, pause_s: float, error: Callable[[str], Exception]) -> None:
        self.pause_s = pause_s
        self._server, self._meanwhile, self._error = server, meanwhile, error
        self._lock = Lock()
        self._began: float | None = None
        self._ask_again_at = 0.0

    @property
    def lasts(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return self._began is not None

    def pass_by(self) -> None:
        """Return if one may ask, after each pause a single caller; raises `error` if no answer is to be expected."""
        if self._began is None:
            return
        with self._lock:
            now = time.monotonic()
            if self._began is not None and now < self._ask_again_at:
                raise self._error(f"{self._server} did not answer a moment ago")
            self._ask_again_at = now + self.pause_s

    def begin(self, why: str) -> None:
        """It has not answered."""
        with self._lock:
            now = time.monotonic()
            self._ask_again_at = now + self.pause_s
            if self._began is None:
                self._began = now
                _log.warning(f"{self._server} does not answer: {self._meanwhile} until it does", error=why)

    def end(self) -> None:
        """It has answered."""
        if self._began is None:
            return
        with self._lock:
            if self._began is not None:
                _log.warning(f"{self._server} answers again", seconds=round(time.monotonic() - self._began, 1))
                self._began = None
