"""Whether this process can serve: what a load balancer and an operator ask at /readyz.

Redis may be down: awards go on without it, so that is told but does not take the site out of service.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from backend import backed_up, clock, metrics, present, redis, verified, waiting
from backend.database import connections, db, revisions

TIMEOUT_MS = 1000
CONNECT_TIMEOUT_S = 2
ANSWER_S = 1.25 * TIMEOUT_MS / 1000
"""As long as PostgreSQL answers at all, its own time-out comes first."""
LATE_S = 60.0
"""A projector that is further behind than this is told of; its goal is below one second."""
State = Literal["ready", "degraded", "unavailable"]
_MIGRATIONS: dict[revisions.Standing, State] = {"current": "ready", "ahead": "degraded", "behind": "unavailable"}


@dataclass(frozen=True, slots=True)
class Check:
    """What was found: how good it is, and the figures."""

    state: State
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Readiness:
    """All checks, and the worst of their states."""

    checks: dict[str, Check]

    @property
    def status(self) -> State:
        """The worst state of all."""
        states: tuple[State, ...] = ("unavailable", "degraded", "ready")
        return next(state for state in states if state in {check.state for check in self.checks.values()})


def check() -> Readiness:
    """Look at the database, the migrations, Redis and the projector; takes three seconds at most when one hangs."""
    return Readiness({**_database(), "redis": _redis()})


def measure() -> None:
    """Bring the gauges that nobody else keeps up to date."""
    metrics.BACKUP_MADE_AT.set(backed_up.made_at(present.settings().tanhui_var))
    checks = check().checks
    for name, found in checks.items():
        if "up" in found.shown:
            metrics.UP.labels(name).set(int(found.shown["up"]))
    # Else the database is away, or has not the tables yet: what was known last stands.
    if projector := checks.get("projector"):
        if "lag_s" in projector.shown:
            metrics.PROJECTOR_LAG.set(projector.shown["lag_s"])
        with suppress(DBAPIError):
            _measure_verify()


def _measure_verify() -> None:
    with _readiness_engine().connect() as connection:
        last = connection.execute(verified.LAST).one_or_none()
    metrics.VERIFIED_AT.set(last.ended_at.timestamp() if last else 0)
    metrics.VERIFY_DIFFERENCES.set(last.differences if last else 0)


def _database() -> dict[str, Check]:
    try:
        with _readiness_engine().connect() as connection:
            took = _timed(lambda: connection.execute(text("SELECT 1")))
            migrations = _migrations(connection)
            found = {"database": Check("ready", {"up": True, "took_ms": took}), "migrations": migrations}
            return found if migrations.state == "unavailable" else found | {"projector": _projector(connection)}
    except (DBAPIError, psycopg.Error) as error:
        return {"database": Check("unavailable", {"up": False, "reason": type(connections.unwrapped(error)).__name__})}


def _readiness_engine() -> Engine:
    return present.made_once("readiness engine", _engine)


def _engine() -> Engine:
    # Connections of its own: when all of the pool are busy, this must still tell.
    limits = f"-c statement_timeout={TIMEOUT_MS} -c lock_timeout={TIMEOUT_MS}"
    url = db.engine.url.render_as_string(hide_password=False)
    connect = connections.creator(
        url, program="web", answer_within_s=ANSWER_S, connect_s=CONNECT_TIMEOUT_S, options=limits
    )
    return create_engine(url, poolclass=NullPool, creator=connect)


def _migrations(connection: Connection) -> Check:
    applied = revisions.applied(connection)
    state = _MIGRATIONS[revisions.standing(applied)]
    return Check(state, {"applied": applied, "wanted": revisions.wanted()})


def _projector(connection: Connection) -> Check:
    asked: Any = connection.connection.cursor()
    try:
        oldest = waiting.oldest_posted_at(asked)
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
        # How far it is behind is not known. The site can serve.
        return Check("degraded", {"reason": type(error).__name__})
    lag_s = 0.0 if oldest is None else round(max(0.0, (clock.now() - oldest).total_seconds()), 3)
    return Check("degraded" if lag_s > LATE_S else "ready", {"lag_s": lag_s})


def _redis() -> Check:
    try:
        return Check("ready", {"up": True, "took_ms": _timed(redis.client().ping)})
    except redis.RedisError as error:
        return Check("degraded", {"up": False, "reason": type(error).__name__})


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return round((time.perf_counter() - started) * 1000, 1)
