"""Telling of an outage once when it begins and once when it is over.

A job that comes several times a second would fill the log otherwise.
"""

import time

import structlog

_log = structlog.get_logger()


class Outage:
    """Whether something that one process needs is away."""

    def __init__(self, *, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self._since: float | None = None

    def met(self, error: BaseException) -> None:
        """It is away."""
        if self._since is None:
            self._since = time.monotonic()
            _log.warning(self._begins, error=str(error).partition("\n")[0])

    def over(self) -> None:
        """It is there."""
        if self._since is not None:
            _log.warning(self._ends, seconds=round(time.monotonic() - self._since, 1))
            self._since = None
