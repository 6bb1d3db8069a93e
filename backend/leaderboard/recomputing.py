"""Period scores made anew from the actions: all are looked at, and those that differ are written.

What every resident's actions come to is summed while requests and projectors go on, and is compared with what is there
within the same statement: it sees actions, outbox and scores as of one moment, and a projector's scores are committed
together with its rows of the outbox. Only of residents whose scores differ are they written, some of one partition at a
time, and only that one's projector waits. Scores of millions of residents that agree cost no write, no dead row and no
lock.

Two sides are compared by a hash of each row: both are the same if the exclusive or of all is zero, except with a
probability of some 2^-64, and every run draws its random numbers anew. At first those of a whole chunk are compared;
only where they differ it is looked for the residents whose own do.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from psycopg.types.numeric import Int8

from backend.database import autocommit_cursor, take_time
from backend.database.abreast import Cursor, cores, each
from backend.leaderboard import locks, sums
from backend.ledger import ranges
from backend.outbox import by_partition

ACTIONS_AT_ONCE = 400_000
"""Actions a chunk of residents: summing them stays within WORK_MEM, of which PostgreSQL takes twice for hashing."""
WORK_MEM = "64MB"
MOST_WORKERS = 4
RESIDENTS = 2_000
"""Residents written in one transaction, in which their partition's projector waits: about a second with a hundred
actions each."""

# Actions are read in the order of residents and of time: sorting what is nearly in order takes two thirds of the time
# that hashing takes, which looks all over the memory.
_FOR_SUMS = f"""
SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_hashagg = off;
SET LOCAL work_mem = '{WORK_MEM}'
"""
_RANGE = "BETWEEN %(first)s AND %(last)s"
_SOME = "= ANY(%(residents)s)"
# One statement sees actions and outbox as of one moment, and an action is written together with its row of the outbox:
# what waits there is left out here, and the projector adds it later.
_SCORES = f"""
WITH deed AS (
    SELECT resident_id, local_day AS day, CASE WHEN status = 'credited' THEN points ELSE 0 END AS points,
        CASE WHEN status = 'credited' THEN co2e_mg ELSE 0 END AS co2e_mg, (status = 'credited')::int AS actions,
        CASE WHEN points <> 0 THEN GREATEST(posted_at, reversed_at) END AS points_at,
        CASE WHEN co2e_mg <> 0 THEN GREATEST(posted_at, reversed_at) END AS co2e_at
    FROM actions WHERE resident_id {{residents}} AND status IN ('credited', 'reversed')
    UNION ALL
    SELECT resident_id, day, -points, -co2e_mg, -actions, NULL, NULL
    FROM outbox WHERE resident_id {{residents}} AND kind = 'action'),
{sums.by_period(of="deed")}
"""  # noqa: S608  the parts are ours
_HERE = "points, points_reached_at, co2e_mg, co2e_reached_at, actions"
_MARK = "hash_record_extended(ROW(resident_id, {period}, starts_on, {columns}), %(salt)s)"
_MARKED_HERE = _MARK.format(period="period", columns=_HERE)
_ALIKE = " # ".join(
    f"(SELECT coalesce(bit_xor({_MARK.format(period=text, columns=sums.COLUMNS)}), 0) FROM {of})"  # noqa: S608  as above
    for text, of in ((f"'{kind}'::text", of) for kind, of in sums.PERIODS)
)
_COMPARED = f"""
{_SCORES.format(residents=_RANGE)}
SELECT {_ALIKE} # coalesce(here.mark, 0) = 0, here.rows = 0
FROM (SELECT bit_xor({_MARKED_HERE}) AS mark, count(*) AS rows FROM period_scores WHERE resident_id {_RANGE}) AS here
"""  # noqa: S608  the parts are ours
"""Whether all scores of a chunk are right, and whether there are none."""
_DIFFERENT = f"""
{_SCORES.format(residents=_RANGE)},
marks AS (
    SELECT resident_id, {_MARK.format(period="period", columns=sums.COLUMNS)} AS mark FROM ({sums.ALL}) AS score
    UNION ALL SELECT resident_id, {_MARKED_HERE} FROM period_scores WHERE resident_id {_RANGE})
SELECT resident_id FROM marks GROUP BY resident_id HAVING bit_xor(mark) <> 0 ORDER BY resident_id
"""  # noqa: S608  the parts are ours
_ACTIVE = f"SELECT resident_id FROM wallets WHERE resident_id {_RANGE} AND action_seq > 0 ORDER BY resident_id"  # noqa: S608
_FORGET = f"DELETE FROM period_scores WHERE resident_id {_SOME}"  # noqa: S608  the parts are ours
_WRITE = f"""
{_SCORES.format(residents=_SOME)}
INSERT INTO period_scores (resident_id, period, starts_on, {_HERE})
{sums.ALL}
"""


def recompute(*, workers: int | None = None) -> Iterator[tuple[int, int]]:
    """Make period scores what the actions say; yields (chunks of residents done, of how many), memory flat.

    Awards go on meanwhile; a projector waits only while scores of its partition that differ are written, RESIDENTS at
    once. Boards must be rebuilt after it.
    """
    count = workers or min(MOST_WORKERS, cores())
    chunks = ranges.by_actions(ACTIONS_AT_ONCE, workers=count)
    with ExitStack() as stack:
        cursors = [stack.enter_context(autocommit_cursor()) for _ in range(count)]
        mended = each(cursors, [partial(_mend, first=first, last=last) for first, last in chunks])
        for done, _ in enumerate(mended, 1):
            yield done, len(chunks)


def _mend(cursor: Cursor, *, first: int, last: int) -> None:
    """Of a chunk, write those that differ."""
    different = _different(cursor, first=first, last=last)
    for partition, residents in by_partition(different, at_once=RESIDENTS):
        _write(cursor, residents, partition=partition)


def _different(cursor: Cursor, *, first: int, last: int) -> list[int]:
    values = {"first": first, "last": last, "salt": Int8(secrets.randbits(62))}
    with cursor.connection.transaction():
        take_time(cursor, seconds=0)
        cursor.execute(_FOR_SUMS)
        alike, empty = cursor.execute(_COMPARED, values, prepare=False).fetchone() or (True, False)
        if alike:
            return []
        return [row[0] for row in cursor.execute(_ACTIVE if empty else _DIFFERENT, values, prepare=False)]


def _write(cursor: Cursor, residents: list[int], *, partition: int) -> None:
    with cursor.connection.transaction():
        take_time(cursor, seconds=120)
        cursor.execute(_FOR_SUMS)
        locks.take_partition(cursor, partition)
        cursor.execute(_FORGET, {"residents": residents})
        cursor.execute(_WRITE, {"residents": residents}, prepare=False)
