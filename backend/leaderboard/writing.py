"""Telling Redis what a batch of the projector came to, and noticing when Redis has not kept it.

Scores are absolute and written before the commit that removes the outbox rows: a crash in between repeats the batch,
and repeating it does no harm. The other order could lose one.

Each partition counts its batches, in PostgreSQL and in Redis. If Redis has not seen the one before, it has lost
something (or PostgreSQL was restored): a new epoch drops all boards, and they are filled afresh. If Redis cannot be
reached, the batch is committed all the same, together with the word that the boards are behind.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

from backend import redis
from backend.leaderboard import epochs, folding
from backend.leaderboard.boards import Board
from backend.leaderboard.epochs import State
from backend.leaderboard.scripts import ADVANCE, LEAVE, WRITE, Call, run_all

_log = structlog.get_logger()
_PROGRESS = """
SELECT s.epoch, s.behind, p.epoch, p.batch FROM (SELECT) AS one
LEFT JOIN board_state s ON s.id = 1 LEFT JOIN board_progress p ON p.partition = %s
"""
_SAVE = """
INSERT INTO board_progress (partition, epoch, batch) VALUES (%(partition)s, %(epoch)s, %(batch)s)
ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a partition: the state it began in, its number, and the boards that are live."""

    partition: int
    state: State
    epoch: int
    """In which Redis took the batch before."""
    number: int
    boards: Sequence[Board]
    reached: bool

    def parameters(self) -> dict[str, Any]:
        """The live boards, as the SQL of `folding` takes them."""
        return {
            "metrics": [board.metric for board in self.boards],
            "kinds": [board.period.kind for board in self.boards],
            "starts": [board.period.starts_on for board in self.boards],
            "scopes": [board.scope for board in self.boards],
            "areas": [board.area_id for board in self.boards],
        }

    def advance(self) -> Call:
        """The call that takes note of this batch in Redis."""
        order = "next" if self.epoch == self.state.epoch else "first"
        key = redis.LIVE_BOARDS.format(epoch=self.state.epoch)
        return Call(ADVANCE, key, (f"#{self.partition}", self.number, order))


def begin(cursor: psycopg.Cursor[Any], partition: int) -> Batch:
    """Begin a batch; the caller holds the partition's lock."""
    row = cursor.execute(_PROGRESS, (partition,)).fetchone() or (None,) * 4
    state, number = State(row[0] or 0, bool(row[1])), row[3] or 0
    epoch = -1 if row[2] is None else row[2]
    try:
        boards = [] if state.behind else live(state.epoch)
    except redis.RedisError:
        return Batch(partition, state, epoch, number, (), reached=False)
    return Batch(partition, state, epoch, number, boards, reached=not state.behind)


def live(epoch: int) -> list[Board]:
    """The boards of an epoch that may be in Redis. Raises RedisError."""
    with redis.reaching():
        names = redis.client().zrange(redis.LIVE_BOARDS.format(epoch=epoch), int(time.time()), "+inf", byscore=True)
    return [Board.parse(str(name)) for name in names]


def finish(cursor: psycopg.Cursor[Any], batch: Batch, *, words: Mapping[int, str], movers: Sequence[int]) -> None:
    """Write the scores (`words` by the board's place from 1) to Redis, and take note of the batch."""
    calls = [Call(WRITE, batch.boards[place - 1].key(batch.state.epoch), (text,)) for place, text in words.items()]
    if movers and batch.boards:
        calls += _of_movers(cursor, batch, movers)
    epoch = batch.epoch
    if batch.reached and _told(cursor, [*calls, batch.advance()], epoch=batch.state.epoch):
        epoch = batch.state.epoch
    elif not batch.reached and not batch.state.behind:
        epochs.fall_behind(cursor, batch.state.epoch)
    cursor.execute(_SAVE, {"partition": batch.partition, "epoch": epoch, "batch": batch.number + 1})


def _told(cursor: psycopg.Cursor[Any], calls: Sequence[Call], *, epoch: int) -> bool:
    try:
        with redis.reaching():
            kept = run_all(calls)[-1]
    except redis.RedisError as error:
        _log.warning("boards fall behind", error=str(error))
        epochs.fall_behind(cursor, epoch)
        return False
    if not kept:
        _log.warning("Redis has lost some of the boards: all are filled afresh")
        epochs.begin(cursor, instead_of=epoch)
    return bool(kept)


def _of_movers(cursor: psycopg.Cursor[Any], batch: Batch, movers: Sequence[int]) -> list[Call]:
    rows = cursor.execute(folding.MOVED, {**batch.parameters(), "movers": list(movers)})
    return [
        Call(WRITE if belongs else LEAVE, batch.boards[place - 1].key(batch.state.epoch), (text,))
        for place, belongs, text in rows
    ]


def take_out(boards: Sequence[Board], *, epoch: int) -> None:
    """Remove these boards of an epoch from Redis. Raises RedisError."""
    if not boards:
        return
    with redis.reaching(), redis.client().pipeline(transaction=False) as pipe:
        for board in boards:
            # One by one: in a cluster each board lies where its own name puts it.
            pipe.unlink(board.key(epoch))
        pipe.zrem(redis.LIVE_BOARDS.format(epoch=epoch), *(board.name for board in boards))
        pipe.execute()
