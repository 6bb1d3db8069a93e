"""Asking Redis without ever waiting for it twice in a row."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from backend import metrics, present, redis

PAUSE_S = 3.0
"""So long a process does without Redis after it has not answered: a server that hangs costs one time-out, not one
for every request."""


class RedisPausedError(redis.RedisError):
    """Redis did not answer a moment ago, and is not asked yet."""


@contextmanager
def reaching() -> Iterator[None]:
    """Around every call for the boards. Raises RedisError, at once while Redis is left alone."""
    extensions = present.extensions()
    if time.monotonic() < extensions.get("boards_paused_until", 0.0):
        raise RedisPausedError("Redis did not answer a moment ago")
    try:
        yield
    except redis.RedisError as error:
        metrics.REDIS_ERRORS.inc()
        if isinstance(error, redis.UNREACHABLE):
            extensions["boards_paused_until"] = time.monotonic() + PAUSE_S
        raise
