"""Redis: the client, the name of every key, and doing without. It holds nothing that PostgreSQL cannot give back."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Any, cast
from weakref import WeakKeyDictionary

import redis
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend import metrics, present
from backend.silence import Silence

Client = redis.Redis
RedisError = redis.RedisError
NoScriptError = redis.exceptions.NoScriptError
UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)
_REFUSING = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.exceptions.NoPermissionError)

BOARD = "tanhui:{{{epoch}:{board}}}:scores"
"""A leaderboard, a sorted set; the braces make all keys of a board share a hash slot."""
LIVE_BOARDS = "tanhui:boards:{epoch}"
"""Which boards of an epoch are in Redis, and which batch of each partition they have seen: a sorted set."""
PROBE = "tanhui:probe"
"""Written to see whether Redis takes writes again."""
SOLD_OUT = "tanhui:sold-out:{reward_id}"
"""Set while a reward is known to be sold out: lets a flash sale be refused early and cheaply."""
WECHAT_CODE = "tanhui:sandbox:code:{code}"
LIMIT = "tanhui:limit:{window}:{caller}"

PAUSE_S = 3.0
"""So long a process does without Redis after it has not answered."""


class SilentError(redis.RedisError):
    """Redis did not answer a moment ago, and is not asked yet."""


def init_app(app: Flask) -> None:
    """Make the client; connects on first use."""
    app.extensions["redis"] = redis.from_url(
        app.extensions["settings"].redis_url,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=30,
        # One that was closed meanwhile is opened again, once. The library would try three times more, also what
        # timed out: a server that hangs would cost twelve seconds and not two.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def client() -> "redis.Redis":
    """The application's Redis client: text in and out, time-outs of two seconds."""
    return cast("redis.Redis", present.extensions()["redis"])


def silence() -> Silence:
    """What this process knows of the server that the application's client speaks to."""
    asking = client()
    known = _silences.get(asking)
    return _silences.setdefault(asking, _new_silence()) if known is None else known


def _new_silence() -> Silence:
    return Silence("Redis", meanwhile="doing without", pause_s=PAUSE_S, error=SilentError)


_silences: WeakKeyDictionary[Client, Silence] = WeakKeyDictionary()


@contextmanager
def reaching() -> Iterator[None]:
    """Around every call that can be done without: a server that hangs costs one time-out, not one for each call.

    Raises RedisError; SilentError at once while Redis is known not to answer, and has not been asked for PAUSE_S.
    """
    known = silence()
    known.pass_by()
    try:
        yield
    except redis.RedisError as error:
        metrics.REDIS_ERRORS.inc()
        if isinstance(error, UNREACHABLE):
            known.begin(str(error))
        else:
            known.end()
        raise
    known.end()


def told(error: RedisError) -> str:
    """For who is at a terminal: the beginning of a sentence, which a comma or a colon follows."""
    if isinstance(error, _REFUSING):
        return f"Redis refuses us ({error}; are user and password in REDIS_URL right?)"
    return f"Redis does not answer ({error})"


class _Own(local):
    """The connection that a thread keeps: of which pool, opened by which process, itself, and its open socket."""

    pool: Any = None
    pid = 0
    connection: Any = None
    socket: Any = None


_own = _Own()


def ask(*words: str | bytes | int) -> Any:
    """The answer (text, a whole number or None) to one command that may be sent twice, in one round trip.

    For the hot path, on a connection that the present thread keeps and reads from by itself: the client's own way
    through pool, retries, health checks and parser costs many times as much. A connection that the server closed
    meanwhile is opened again, once. Raises RedisError.
    """
    pool = client().connection_pool
    if _own.pool is not pool or _own.pid != os.getpid():
        # Not out of the pool, which never learns that a thread has ended and would be exhausted some day.
        _own.connection = pool.connection_class(**pool.connection_kwargs)
        _own.pool, _own.pid, _own.socket = pool, os.getpid(), None
    if _own.socket is not None:
        try:
            return _answer(words)
        except redis.ConnectionError:
            pass
    _own.socket = _opened(_own.connection)
    return _answer(words)


def _opened(connection: Any) -> Any:
    connection.connect()
    opened = connection._sock  # noqa: SLF001  signed in and set up by the client
    # The system itself counts the time: Python would ask it before every call whether there is anything to do, and
    # hand its turn to another thread each time.
    seconds = connection.socket_timeout or 0
    for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        opened.setsockopt(socket.SOL_SOCKET, way, struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000)))
    opened.settimeout(None)
    return opened


def _answer(words: tuple[str | bytes | int, ...]) -> Any:
    try:
        _own.socket.sendall(_packed(words))
        return _parsed(_own.socket)
    except BaseException as error:
        # Half an answer may be left on the way: the next command must not read it.
        if isinstance(error, redis.ResponseError):
            raise
        _own.socket = None
        _own.connection.disconnect()
        if isinstance(error, BlockingIOError):
            raise redis.TimeoutError("No answer in time") from error
        if isinstance(error, OSError):
            raise redis.ConnectionError(str(error)) from error
        raise


def _packed(words: tuple[str | bytes | int, ...]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        said = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(said), said))
    return b"".join(parts)


def _parsed(opened: Any) -> Any:
    data = _received(opened)
    while (end := data.find(b"\r\n")) < 0:
        data += _received(opened)
    kind, rest = data[:1], data[1:end]
    if kind == b"$" and rest != b"-1":
        begin, length = end + 2, end + 4 + int(rest)
        while len(data) < length:
            data += _received(opened)
        return data[begin : length - 2].decode()
    if kind == b":":
        return int(rest)
    if kind in {b"_", b"$"}:
        return None
    if kind == b"-":
        error = rest.decode()
        raise _ERRORS.get(error.partition(" ")[0], redis.ResponseError)(error)
    raise redis.ConnectionError(f"An answer of another kind: {kind!r}")


def _received(opened: Any) -> bytes:
    data: bytes = opened.recv(65_536)
    if not data:
        raise redis.ConnectionError("Connection closed by server.")
    return data


_ERRORS = {"NOSCRIPT": NoScriptError, "LOADING": redis.BusyLoadingError}
"""What is told apart by whoever asks: the script is to be sent again, the server is not there yet."""


def number(reply: Any) -> float | None:
    """A score as redis-py gives it, or None where there is none."""
    return None if reply is None else float(reply)
