"""Comparing boards in Redis with PostgreSQL, resident by resident, memory flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg

from backend import redis
from backend.leaderboard import epochs, locks
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.filling import COLUMN
from backend.leaderboard.reach import reaching
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import READY
from backend.leaderboard.writing import live

CHUNK = 2_000
_EXPECTED = """
SELECT s.resident_id, {score} FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership}
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A score in Redis that does not follow from PostgreSQL; without a resident: the size of the board."""

    board: str
    resident_id: int | None
    expected: int
    found: int | None


def differences(cursor: psycopg.Cursor[Any]) -> Iterator[Difference]:
    """Every score and size of every complete board in Redis that differs from PostgreSQL.

    Keeps projectors out until the transaction ends. Boards that are behind, or not there, are shown to nobody and are
    not compared. Raises RedisError.
    """
    locks.keep_projectors_out(cursor)
    state = epochs.state(cursor)
    if state.behind:
        return
    for board in live(state.epoch):
        yield from _of_board(cursor, board, key=board.key(state.epoch))


def _of_board(cursor: psycopg.Cursor[Any], board: Board, *, key: str) -> Iterator[Difference]:
    with reaching():
        if redis.number(redis.client().zscore(key, "#")) != READY:
            return
        size = redis.client().zcount(key, 1, "+inf")
    expected = 0
    for rows in _chunks(cursor, board):
        expected += len(rows)
        with reaching():
            found: Any = redis.client().zmscore(key, [str(owner) for owner, _ in rows])
        for (owner, score), mark in zip(rows, found, strict=True):
            if mark is None or int(mark) != score:
                yield Difference(board.name, owner, score, None if mark is None else int(mark))
    if size != expected:
        yield Difference(board.name, None, expected, size)


def _chunks(cursor: psycopg.Cursor[Any], board: Board) -> Iterator[list[tuple[int, int]]]:
    sql = _EXPECTED.format(score=SCORE[board.metric], column=COLUMN[board.metric], membership=MEMBERSHIP[board.scope])
    values = {"kind": board.period.kind, "starts_on": board.period.starts_on, "area_id": board.area_id}
    with cursor.connection.cursor("compared_board") as reader:
        reader.itersize = CHUNK
        rows = iter(reader.execute(sql, values))
        while chunk := list(islice(rows, CHUNK)):
            yield chunk
