"""Placing a race exactly: two participants, each stopped before a chosen statement or commit, no sleeps and no luck.

A participant's points are the moments before each statement that it sends, and before each commit. One schedule is:
the first runs up to its point i; the second runs up to its point k, or to its end; the first runs to its end; the
second does. Whoever waits for a lock of the other is left waiting, which PostgreSQL itself tells (pg_blocking_pids).
`every_schedule` goes through all i and k that there are, so what it tries is exhaustive and not sampled.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple
from unittest.mock import patch

import psycopg

from backend.database import db
from backend.database.gathering import Gathering
from backend.errors import RefusalError
from tests.sent_statements import noticed

PATIENCE_S = 20
"""For something that must happen; nothing is timed by it."""
SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
_here = threading.local()


class Schedule(NamedTuple):
    """Before which of its points each participant stops; None: it does not."""

    first: int
    second: int | None


class Raced(NamedTuple):
    """What became of both: what the call gave, or the slug of its refusal."""

    schedule: Schedule
    first: Any
    second: Any
    waited: bool
    """Whether either had to wait for a lock of the other."""


class Participant:
    """A call in a thread and application context of its own, stopped before one of its points."""

    def __init__(self, app: Any, call: Any, *, stop_at: int | None) -> None:
        self._app, self._call, self._stop_at = app, call, stop_at
        self.passed: list[str] = []
        self.result: Any = None
        self._error: BaseException | None = None
        self._pid: int | None = None
        self._arrived, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def reached(self) -> bool:
        """Whether it came to the point where it was to stop."""
        return self._arrived.is_set()

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
        return not self._thread.is_alive()

    def at(self, statement: str, connection: Any) -> None:
        """It is about to send this."""
        self._pid = connection.info.backend_pid
        self.passed.append(statement)
        if len(self.passed) - 1 == self._stop_at:
            self._arrived.set()
            assert self._go.wait(PATIENCE_S), f"never let go before {statement}"

    def let_go(self) -> None:
        """Let it run to its end."""
        self._stop_at = None
        self._go.set()

    def run_on(self, watcher: Any) -> bool:
        """Until it has ended, stands at its point, or waits for a lock; whether it waits."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self.ended or (self.reached and not self._go.is_set()):
                return False
            if self._pid is not None and watcher.execute(_BLOCKED, (self._pid,)).fetchone()[0]:
                return True
            self._thread.join(0.001)
        raise AssertionError(f"neither ended nor waiting after {PATIENCE_S} s: {self.passed[-1:]}")

    def outcome(self) -> Any:
        """What the call gave; raises what it raised, but for a refusal."""
        self._thread.join(PATIENCE_S)
        assert self.ended, f"still running: {self.passed[-1:]}"
        if self._error is not None:
            raise self._error
        return self.result

    def _run(self) -> None:
        _here.participant = self
        try:
            with self._app.app_context():
                self.result = self._call()
                db.session.remove()
        except RefusalError as refusal:
            self.result = refusal.slug
        except BaseException as error:  # noqa: BLE001  told in the thread that asks for the outcome
            self._error = error


_BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


@contextmanager
def watched() -> Iterator[Any]:
    """Meanwhile participants notice their own statements and commits; other threads notice nothing.

    Gives the connection on which PostgreSQL is asked who waits.
    """
    for engine in db.engines.values():
        # The first connection asks questions of its own, under a lock of SQLAlchemy. Where some are taken it was made.
        if not engine.pool.checkedout():
            engine.connect().close()
    copy, commit = psycopg.Cursor.copy, psycopg.Connection.commit

    def tell(connection: Any, query: Any, *_: Any) -> None:
        participant, name = getattr(_here, "participant", None), str(query).strip()
        if participant is not None and not name.startswith(SAVEPOINTS):
            participant.at(name, connection)

    def told_copy(self: Any, query: Any, *given: Any, **more: Any) -> Any:
        tell(self.connection, query)
        return copy(self, query, *given, **more)

    def told_commit(self: Any) -> None:
        tell(self, "COMMIT")
        commit(self)

    with (
        noticed(tell),
        patch.object(psycopg.Cursor, "copy", told_copy),
        patch.object(psycopg.Connection, "commit", told_commit),
        patch.object(Gathering, "through", _alone),
        psycopg.connect(_address(), autocommit=True) as watcher,
    ):
        yield watcher


def race(app: Any, first: Any, second: Any, *, schedule: Schedule, watcher: Any) -> tuple[Raced, bool, bool]:
    """Run both by one schedule; what became of them, and whether each reached the point where it was to stop."""
    one = Participant(app, first, stop_at=schedule.first)
    one.run_on(watcher)
    other = Participant(app, second, stop_at=schedule.second)
    waited = other.run_on(watcher)
    one.let_go()
    waited = one.run_on(watcher) or waited
    other.let_go()
    raced = Raced(schedule, one.outcome(), other.outcome(), waited)
    return raced, one.reached, other.reached


def every_schedule(app: Any, scene: Any, *, both: bool = True) -> Iterator[tuple[Raced, Any]]:
    """Set the scene anew for each schedule, race its two calls, and yield what became of them, with the scene.

    `scene()` gives an object with calls `first` and `second`. Both orders are the caller's to ask for: another scene.
    With `both` the second stops too, at each of its points; without, it runs through.
    """
    with watched() as watcher:
        for place in count():
            for other in count() if both else (None,):
                set_up = scene()
                schedule = Schedule(place, other)
                raced, met, also_met = race(app, set_up.first, set_up.second, schedule=schedule, watcher=watcher)
                yield raced, set_up
                if both and not also_met:
                    break
            if not met:
                # The whole of the first came before the second: there is no later point.
                return


_through = Gathering.through


def _alone(self: Gathering, member: Any, *, seconds: float) -> None:
    """Participants stand for requests in different processes: none stands in line with the other."""
    _through(type(self)(most=1, leaders=1), member, seconds=seconds)


def _address() -> str:
    return db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
