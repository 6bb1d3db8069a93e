"""The totals made anew from actions and ledger: everything is looked at, and rows that differ are put right.

Requests and projectors go on meanwhile. By how much a row is off is found without any lock, as of the one moment that a
statement sees, and added while the partition's projector is kept out (see `totals.due`): where all is right, that
costs no lock and no write. Each transaction puts whole rows right: a rebuild that is killed leaves fewer wrong than
before, and may be begun again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from backend import clock
from backend.database import autocommit_cursor, take_time
from backend.database.abreast import Cursor, cores, each
from backend.leaderboard import locks
from backend.leaderboard.recomputing import MOST_WORKERS, WORK_MEM
from backend.ledger import ranges
from backend.outbox import by_partition
from backend.totals import due

ACTIONS_AT_ONCE = 400_000
"""Actions a range of residents whose participations are looked at: sorting both sides stays about within WORK_MEM."""
RESIDENTS = 2_000
"""Residents whose participations are written in one transaction, in which their partition's projector waits."""
ROWS = 50_000
"""The same for rows of the city: one to two seconds. More than that differ only where a table was emptied."""

_FOR_SUMS = f"SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '{WORK_MEM}'"
# Both sides lie nearly in the order of residents: sorting them is quicker than hashing.
_IN_ORDER = "SET LOCAL enable_hashagg = off"
_DIFFERENT = f"SELECT DISTINCT resident_id FROM ({due.participations(due.RANGE).off()}) AS differs ORDER BY resident_id"  # noqa: S608  the parts are ours
_OF_SOME = due.participations(due.SOME)
_WRITE = _OF_SOME.add(f"({_OF_SOME.off()}) AS differs")


class Step(NamedTuple):
    """A piece of a table is right now: how many pieces of how many are, and how many rows of this one were not."""

    table: str
    done: int
    of: int
    written: int


def rebuild(*, workers: int | None = None) -> Iterator[Step]:
    """Make participations, totals, movements and participants what actions and ledger entries say, in this order.

    Makes its own transactions; memory stays flat. An award never waits; a projector waits while rows of its partition
    are written, RESIDENTS or ROWS at once. Several rebuilds at once take turns. Who takes part for the first time is
    known to a projector by the period scores: where those are wrong too, they must be recomputed first.
    """
    count = workers or min(MOST_WORKERS, cores())
    some = ranges.by_actions(ACTIONS_AT_ONCE, workers=count)
    zone = clock.city_zone().key
    with ExitStack() as stack:
        cursors = [stack.enter_context(autocommit_cursor()) for _ in range(count)]
        partitions = [row[0] for row in cursors[0].execute(due.OF_THE_CITY)]
        jobs = [partial(_mend_participations, first=first, last=last) for first, last in some]
        yield from _steps("participations", cursors, jobs)
        for projection in due.CITY:
            mended = partial(_mend_city, projection=projection, zone=zone)
            yield from _steps(projection.table, cursors, [partial(mended, partition=one) for one in partitions])


def _steps(table: str, cursors: Sequence[Cursor], jobs: Sequence[Callable[[Cursor], int]]) -> Iterator[Step]:
    for done, written in enumerate(each(cursors, jobs), 1):
        yield Step(table, done, len(jobs), written)


def _mend_participations(cursor: Cursor, *, first: int, last: int) -> int:
    different = _different(cursor, first=first, last=last)
    return sum(
        _write(cursor, residents, partition=partition)
        for partition, residents in by_partition(different, at_once=RESIDENTS)
    )


def _different(cursor: Cursor, *, first: int, last: int) -> list[int]:
    with cursor.connection.transaction():
        take_time(cursor, seconds=0)
        cursor.execute(f"{_FOR_SUMS}; {_IN_ORDER}")
        found = cursor.execute(_DIFFERENT, {"first": first, "last": last}, prepare=False)
        return [row[0] for row in found]


def _write(cursor: Cursor, residents: list[int], *, partition: int) -> int:
    with cursor.connection.transaction():
        take_time(cursor, seconds=120)
        cursor.execute(f"{_FOR_SUMS}; {_IN_ORDER}")
        locks.take_partition(cursor, partition)
        # Looked at anew: somebody else may have put them right meanwhile.
        return cursor.execute(_WRITE, {"residents": residents}, prepare=False).rowcount


def _mend_city(cursor: Cursor, *, projection: due.Projection, partition: int, zone: str) -> int:
    written = 0
    while True:
        rows = _add(cursor, projection, partition=partition, zone=zone)
        written += rows
        if rows < ROWS:
            return written


def _add(cursor: Cursor, projection: due.Projection, *, partition: int, zone: str) -> int:
    with cursor.connection.transaction():
        take_time(cursor, seconds=0)
        cursor.execute(f"{_FOR_SUMS}; SET LOCAL lock_timeout = 0")
        # What differs may be added only once: two rebuilds must not find the same.
        locks.take_rebuilding(cursor, partition)
        return cursor.execute(_added(projection), {"partition": partition, "zone": zone}, prepare=False).rowcount


def _added(projection: due.Projection) -> str:
    # Who writes without being the projector would meet the projector's rows in another order: a deadlock. So it is kept
    # out, but only once something is known to differ: summing may take minutes. All that differs is counted before the
    # lock is taken, and not a row is written before that.
    return f"""
WITH differing AS MATERIALIZED ({projection.off()} LIMIT {ROWS}),
alone AS MATERIALIZED (
    SELECT {locks.taking_partition("%(partition)s")}
    FROM (SELECT count(*) AS rows FROM differing) AS counted WHERE rows > 0)
{projection.add("differing CROSS JOIN alone")}
"""  # noqa: S608  the parts are ours
