"""Draining the outbox: the verbs."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg
from flask import Flask

from backend import clock, metrics, present, waiting
from backend.database import autocommit_cursor, transaction, unhurried
from backend.database import cursor as session_cursor
from backend.database.abreast import cores
from backend.leaderboard import locks, writing
from backend.leaderboard.tending import tend
from backend.projector import folding
from backend.waiting import First

BATCH = 5_000
"""Rows a transaction: half a second on a slow machine, so that whoever waits for a projector waits no longer."""
CROWD = 500
"""Rows that a round found: as many have come in meanwhile, and should not wait until they are asked for."""
MOST_AT_ONCE = 4
"""Partitions that a process folds side by side, two a core at most: PostgreSQL does nearly all of the work, and some
wait while others are computed."""


def drain(*, max_seconds: float | None = None) -> int:
    """Project what waits in the outbox; returns how many rows. Makes its own transactions.

    Without `max_seconds` it waits for other projectors, and when it returns everything that was in the outbox at its
    beginning is in the projections. With it, it leaves partitions alone that have a projector, goes on at once as long
    as each round finds a crowd, and stops in time.
    """
    with transaction():
        tend()
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    rows = found = _drain_all(_waiting(anew=deadline is None), deadline=deadline)
    while deadline is not None and found >= CROWD and time.monotonic() < deadline:
        found = _drain_all(_waiting(), deadline=deadline)
        rows += found
    metrics.PROJECTOR_LAG.set(lag_s())
    return rows


class Folded(NamedTuple):
    """How many rows a batch was, and the number of its last."""

    rows: int
    last: int


def project(partition: int, *, first: int = 0, limit: int = BATCH, wait: bool = True) -> Folded | None:
    """Fold up to `limit` rows of a partition, in the order of their numbers from `first` on, into all projections.

    One transaction. Returns what it was; None, if `wait` is false and the partition has a projector.
    """
    with transaction():
        unhurried()
        cursor = session_cursor()
        if wait:
            locks.take_partition(cursor, partition)
        elif not locks.try_partition(cursor, partition):
            return None
        folded = _fold(cursor, partition, first=first, limit=limit)
    metrics.PROJECTED.inc(folded.rows)
    return folded


def lag_s() -> float:
    """Seconds for which the oldest row of the outbox has waited; 0 where nothing waits."""
    with autocommit_cursor() as cursor:
        oldest = waiting.oldest_posted_at(cursor)
    return 0.0 if oldest is None else max(0.0, (clock.now() - oldest).total_seconds())


def _drain_all(firsts: Mapping[int, First], *, deadline: float | None) -> int:
    if len(firsts) <= 1:
        return sum(_drain_partition(partition, first.id, deadline=deadline) for partition, first in firsts.items())
    at_once = min(MOST_AT_ONCE, 2 * cores(), present.settings().database_pool_size)
    app: Flask = present.application()

    def drained(partition: int, first: First) -> int:
        with app.app_context():
            return _drain_partition(partition, first.id, deadline=deadline)

    with ThreadPoolExecutor(at_once, thread_name_prefix="projector") as pool:
        turns = [pool.submit(drained, partition, first) for partition, first in firsts.items()]
    # Only once all have had their turn: one that fails must not keep from it those that have not begun.
    return sum(turn.result() for turn in turns)


def _drain_partition(partition: int, first: int, *, deadline: float | None) -> int:
    total = 0
    while deadline is None or time.monotonic() < deadline:
        folded = project(partition, first=first, wait=deadline is None)
        if folded is None:
            break
        total += folded.rows
        if folded.rows < BATCH:
            break
        # Rows with lower numbers can only have been committed after `first` was looked up: the next look finds them.
        first = folded.last + 1
    return total


def _waiting(*, anew: bool = False) -> Mapping[int, First]:
    with autocommit_cursor() as cursor:
        return waiting.firsts(cursor, anew=anew)


def _fold(cursor: psycopg.Cursor[Any], partition: int, *, first: int, limit: int) -> Folded:
    # Losing the last commits in a crash costs nothing: their rows are still in the outbox.
    cursor.execute("SET LOCAL synchronous_commit = off")
    batch = writing.begin(cursor, partition)
    sql = folding.statement(limit=limit, scopes={board.scope for board in batch.boards})
    given = {"partition": partition, "first": first, **batch.parameters()}
    answers = dict(cursor.execute(sql, given, prepare=False).fetchall())
    rows = int(answers.pop(0))
    if rows > folding.most_of(limit):
        raise RuntimeError(f"{rows:,} rows of the outbox bear numbers that stand more than once: nothing was folded.")
    movers = _ids(answers.pop(-1))
    last = int(answers.pop(-2) or 0)
    if rows:
        writing.finish(cursor, batch, words=answers, movers=movers)
    return Folded(rows, last)


def _ids(words: str | None) -> list[int]:
    found: Iterable[str] = words.split() if words else ()
    return [int(word) for word in found]
