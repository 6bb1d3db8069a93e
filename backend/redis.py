"""Redis: the client, and the name of every key. It holds nothing that PostgreSQL cannot give back."""

from typing import Any, cast

import redis
from flask import Flask, current_app

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
    )


def client() -> "redis.Redis":
    """The application's Redis client: text in and out, time-outs of two seconds."""
    return cast("redis.Redis", current_app.extensions["redis"])


def number(reply: Any) -> float | None:
    """A score as redis-py gives it, or None where there is none."""
    return None if reply is None else float(reply)
