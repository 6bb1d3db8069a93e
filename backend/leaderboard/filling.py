"""Filling a board that is not in Redis from PostgreSQL, while projectors go on.

Why a filled board lacks nothing:

1. The board is begun: its key holds the token of this filling, and the list of live boards names it.
2. Every projector's transaction of that moment is waited for. Whichever begins later reads the list and writes to the
   board too: what it commits is in Redis before.
3. Only then PostgreSQL is read. Whatever was committed before is in what we read; whatever commits later has been or
   will be written to the board by its projector. We take in only residents whom no projector has written meanwhile
   (NX), so the older never replaces the newer; who fell to 0 stays as 0 for the same reason.
4. The board is complete, if its key still holds our token: had Redis been flushed in between, or had somebody else
   begun anew, it would not, and nothing that we write is taken.

A projector that dies between Redis and its commit leaves Redis ahead for as long as it takes to repeat its batch.
"""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from backend import clock, redis
from backend.database import autocommit_cursor, take_time
from backend.leaderboard import locks
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import BEGIN, FILL, FINISH, READY, Call, run

CHUNK = 2_000
"""Residents a call: a few milliseconds of Redis, which serves nobody else meanwhile."""
FILLING_S = 600
PRESENT_S = 86_400
PAST_S = 3_600
"""A complete board leaves Redis after so long; the next who reads it fills it again."""
MARGIN_S = 3_600
"""So much longer it stays in the list: a projector may write to a board that is gone, never miss one that is there."""
PATIENCE_S = 8.0
"""How long a reader waits for somebody else's filling before PostgreSQL answers."""
POLL_S = 0.05

_LINES = """
COPY (SELECT {score}, s.resident_id{area} FROM period_scores s {residents}
    WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership})
TO STDOUT (DELIMITER ' ')
"""
COLUMN = {"points": "points", "co2e": "co2e_mg"}
_RESIDENTS = "JOIN residents r ON r.resident_id = s.resident_id"


@dataclass(slots=True)
class Filling:
    """One board that is being filled; `lost` once Redis has forgotten that we fill it."""

    board: Board
    epoch: int
    token: int = field(default_factory=lambda: READY - 1 - secrets.randbits(40))
    lost: bool = False
    lines: list[Any] = field(default_factory=list)

    def begin(self) -> None:
        """Step 1. Raises RedisError."""
        self._call(BEGIN, self.token, FILLING_S)
        with redis.reaching():
            until = int(time.time()) + FILLING_S + self._seconds + MARGIN_S
            redis.client().zadd(redis.LIVE_BOARDS.format(epoch=self.epoch), {self.board.name: until})

    def take(self, line: Any) -> None:
        """Take in one line, `score member`. Raises RedisError."""
        self.lines.append(line)
        if len(self.lines) == CHUNK:
            self._send()

    def finish(self) -> bool:
        """The rest, and step 4. Raises RedisError."""
        if self.lines:
            self._send()
        return not self.lost and bool(self._call(FINISH, self.token, self._seconds))

    @property
    def _seconds(self) -> int:
        today = clock.local_day(clock.now())
        return PRESENT_S if self.board.period.is_current(today) else PAST_S

    def _send(self) -> None:
        chunk, self.lines = b"".join(self.lines), []
        if not self.lost:
            self.lost = not self._call(FILL, self.token, chunk)

    def _call(self, script: Any, *arguments: Any) -> Any:
        with redis.reaching():
            return run(Call(script, self.board.key(self.epoch), arguments))


def ensure(board: Board, *, epoch: int) -> bool:
    """Fill a board, or wait for who does; whether it is complete then. Raises RedisError, psycopg.Error."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_complete(board, epoch=epoch):
        with autocommit_cursor() as cursor, cursor.connection.transaction():
            free = locks.try_filling(cursor, board.name) and not is_complete(board, epoch=epoch)
            if free and fill(cursor, [board], epoch=epoch):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_complete(board: Board, *, epoch: int) -> bool:
    """Whether it is in Redis, and is not still being filled. Raises RedisError."""
    with redis.reaching():
        return redis.number(redis.client().zscore(board.key(epoch), "#")) == READY


def fill(cursor: psycopg.Cursor[Any], boards: Sequence[Board], *, epoch: int) -> bool:
    """Fill boards of one metric, period and kind of scope in one pass, memory flat; whether all are complete.

    Inside a transaction of its own (READ COMMITTED: each statement sees what was committed before it). Raises
    RedisError, psycopg.Error.
    """
    fillings = {board.area_id: Filling(board, epoch) for board in boards}
    for filling in fillings.values():
        filling.begin()
    take_time(cursor, seconds=120)
    locks.let_projectors_end(cursor)
    _pour(cursor, fillings, boards[0])
    return all([filling.finish() for filling in fillings.values()])  # noqa: C419  every one must be finished


def _pour(cursor: psycopg.Cursor[Any], fillings: dict[int, Filling], first: Board) -> None:
    many = len(fillings) > 1
    sql = _LINES.format(
        score=SCORE[first.metric],
        column=COLUMN[first.metric],
        area=f", r.{first.scope}_id" if many else "",
        residents="" if first.scope == "city" else _RESIDENTS,
        membership=f"r.{first.scope}_id = ANY(%(areas)s)" if many else MEMBERSHIP[first.scope],
    )
    values = {
        "kind": first.period.kind,
        "starts_on": first.period.starts_on,
        "area_id": first.area_id,
        "areas": list(fillings),
    }
    with cursor.copy(sql, values) as lines:
        if many:
            _distribute(lines, fillings)
        else:
            take = fillings[first.area_id].take
            for line in lines:
                take(line)


def _distribute(lines: Iterable[Any], fillings: dict[int, Filling]) -> None:
    takers = {str(area).encode(): filling.take for area, filling in fillings.items()}
    for line in lines:
        head, _, area = bytes(line).rstrip().rpartition(b" ")
        takers[area](head + b"\n")
