"""Looking after the boards between batches: Redis is back, or has quietly lost something."""

from typing import Any

import psycopg
import structlog

from backend import redis
from backend.database import cursor as session_cursor
from backend.leaderboard import epochs, locks
from backend.leaderboard.writing import live, take_out
from backend.outbox import PARTITIONS

_log = structlog.get_logger()
_MARKS = "SELECT partition, batch FROM board_progress WHERE epoch = %s"


def tend() -> bool:
    """Drop all boards if Redis is back after it could not be reached, or has lost some; whether they were dropped.

    Inside a transaction. Cheap where all is well: one round trip to each server.
    """
    cursor = session_cursor()
    state = epochs.state(cursor)
    try:
        if state.behind:
            _try_writing()
        elif not any(_has_lost(cursor, partition, epoch=state.epoch) for partition in _suspects(cursor, state.epoch)):
            return False
    except redis.RedisError:
        # Boards that nobody could write to are as right as before: the batch that fails says so, not we.
        return False
    why = "Redis can be reached again" if state.behind else "Redis has lost some of the boards"
    _log.warning(f"{why}: all are filled afresh")
    epochs.begin(cursor, instead_of=state.epoch)
    _take_out(state.epoch)
    return True


def _take_out(epoch: int) -> None:
    # They would leave by themselves, but only after a day, and the new ones need as much memory. Before the commit, as
    # everything: boards that were taken out in vain are filled again by who reads them.
    try:
        take_out(live(epoch), epoch=epoch)
        with redis.reaching():
            redis.client().unlink(redis.LIVE_BOARDS.format(epoch=epoch))
    except redis.RedisError:
        return


def _try_writing() -> None:
    with redis.reaching():
        redis.client().set(redis.PROBE, 1, ex=1)


def _suspects(cursor: psycopg.Cursor[Any], epoch: int) -> list[int]:
    # Redis first: a projector that commits in between only makes PostgreSQL newer, which the second look sorts out.
    seen = _seen(epoch)
    batches = dict(cursor.execute(_MARKS, (epoch,)).fetchall())
    return [partition for partition, batch in batches.items() if not _follows(seen[partition], batch)]


def _has_lost(cursor: psycopg.Cursor[Any], partition: int, *, epoch: int) -> bool:
    """Whether Redis has lost what it had of a partition, looked at with its projector kept out.

    A busy one is passed over: it will notice by itself.
    """
    if not locks.try_partition(cursor, partition):
        return False
    batch = dict(cursor.execute(_MARKS, (epoch,)).fetchall()).get(partition)
    return batch is not None and not _follows(_seen(epoch)[partition], batch)


def _follows(seen: int | None, batch: int) -> bool:
    # One more: a batch that Redis saw and that was not committed. It will be repeated.
    return seen is not None and seen in {batch, batch + 1}


def _seen(epoch: int) -> list[int | None]:
    members = [f"#{partition}" for partition in range(PARTITIONS)]
    with redis.reaching():
        marks: Any = redis.client().zmscore(redis.LIVE_BOARDS.format(epoch=epoch), members)
    return [None if mark is None else -int(mark) for mark in marks]
