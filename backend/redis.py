"""Redis: the client, and the name of every key. It holds nothing that PostgreSQL cannot give back."""

import os
from threading import local
from typing import Any, cast

import redis
from flask import Flask, current_app
from redis.backoff import NoBackoff
from redis.retry import Retry

Client = redis.Redis
RedisError = redis.RedisError
NoScriptError = redis.exceptions.NoScriptError
UNREACHABLE = (redis.ConnectionError, redis.TimeoutError)

BOARD = "tanhui:{{{epoch}:{board}}}:scores"
"""A leaderboard, a sorted set; the braces make all keys of a board share a hash slot."""
LIVE_BOARDS = "tanhui:boards:{epoch}"
"""Which boards of an epoch are in Redis, and which batch of each partition they have seen: a sorted set."""
PROBE = "tanhui:probe"
"""Written to see whether Redis takes writes again."""
SOLD_OUT = "tanhui:sold-out:{reward_id}"
"""Set while a reward is known to be sold out: lets a flash sale be refused early and cheaply."""
PUBLIC_TOTALS = "tanhui:public-totals"
WECHAT_CODE = "tanhui:sandbox:code:{code}"
LIMIT = "tanhui:limit:{window}:{caller}"


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
    return cast("redis.Redis", current_app.extensions["redis"])


class _Own(local):
    """The connection that a thread keeps: the pool that it is of, the process that opened it, and itself."""

    pool: Any = None
    pid = 0
    connection: Any = None


_own = _Own()


def ask(*words: str | bytes | int) -> Any:
    """The answer to one command that may be sent twice, on a connection that the present thread keeps.

    For the hot path: the client's own way through pool, retries and health checks costs four times as much. A
    connection that the server closed meanwhile is opened again, once. Raises RedisError.
    """
    pool = client().connection_pool
    if _own.pool is not pool or _own.pid != os.getpid():
        # Not out of the pool, which never learns that a thread has ended and would be exhausted some day.
        _own.connection = pool.connection_class(**pool.connection_kwargs)
        _own.pool, _own.pid = pool, os.getpid()
    connection = _own.connection
    if connection.is_connected:
        try:
            return _answer(connection, words)
        except redis.ConnectionError:
            connection.disconnect()
    return _answer(connection, words)


def _answer(connection: Any, words: tuple[str | bytes | int, ...]) -> Any:
    try:
        connection.send_command(*words, check_health=False)
        return connection.read_response()
    except BaseException as error:
        # Half an answer may be left on the way: the next command must not read it.
        if not isinstance(error, redis.ResponseError):
            connection.disconnect()
        raise


def number(reply: Any) -> float | None:
    """A score as redis-py gives it, or None where there is none."""
    return None if reply is None else float(reply)
