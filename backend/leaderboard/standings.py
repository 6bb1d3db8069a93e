"""Standings: who is where on a board. From Redis in one round trip, or from PostgreSQL by the same order."""

from dataclasses import dataclass
from typing import Any

import psycopg

from backend import redis
from backend.database import prepared_statements
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.filling import COLUMN, ensure
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import READ, Call, run


@dataclass(frozen=True, slots=True)
class Window:
    """Which places are wanted: from `first` to `last`, counted from 0, or from the resident's own if `around`."""

    first: int
    last: int
    around: bool = False


@dataclass(frozen=True, slots=True)
class Standings:
    """Places of a board: its size, the resident's own place (from 0) and score, and the first place that is shown.

    The places themselves are text, as Redis tells them: `resident_id score resident_id score …`.
    """

    size: int
    mine: tuple[int, int] | None
    first: int
    places: str

    def residents_and_scores(self) -> tuple[list[int], list[int]]:
        """Of each place the resident's id, and the score."""
        words = list(map(int, self.places.split()))
        return words[::2], words[1::2]


def from_redis(board: Board, window: Window, *, epoch: int, resident_id: int) -> Standings | None:
    """The standings as Redis has them; None: the board is not there, or Redis does not answer."""
    kind = "around" if window.around else "page"
    try:
        with redis.reaching():
            answer = run(Call(READ, board.key(epoch), (resident_id, window.first, window.last, kind)))
    except redis.RedisError:
        return None
    return None if answer in {"missing", "filling"} else _parsed(answer)


def filled(board: Board, *, epoch: int) -> bool:
    """Whether the board is there now, as we or somebody else filled it."""
    try:
        return ensure(board, epoch=epoch)
    except (redis.RedisError, psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        return False


def _parsed(answer: str) -> Standings:
    size, rank, score, first, places = answer.split(" ", 4)
    mine = None if int(rank) < 0 else (int(rank), int(score))
    return Standings(int(size), mine, int(first), places)


_STANDINGS = """
WITH board AS MATERIALIZED (SELECT s.resident_id, {score} AS score
    FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
    WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership}),
placed AS (SELECT resident_id, score, count(*) OVER () AS size,
    row_number() OVER (ORDER BY score DESC, resident_id::text COLLATE "C" DESC) - 1 AS place FROM board),
mine AS (SELECT place FROM placed WHERE resident_id = %(resident_id)s)
SELECT p.resident_id, p.score, p.size, p.place FROM placed p LEFT JOIN mine ON TRUE
WHERE p.resident_id = %(resident_id)s OR p.place = 0 OR p.place BETWEEN {first} AND {last}
ORDER BY p.place
"""
_BOUNDS = {
    False: ("%(first)s", "%(last)s"),
    True: ("mine.place + %(first)s", "mine.place + %(last)s"),
}


def from_postgresql(board: Board, window: Window, *, resident_id: int) -> Standings:
    """The standings from period_scores: slower, as the whole board is sorted, and right whatever Redis does."""
    first, last = _BOUNDS[window.around]
    sql = _STANDINGS.format(
        score=SCORE[board.metric],
        column=COLUMN[board.metric],
        membership=MEMBERSHIP[board.scope],
        first=first,
        last=last,
    )
    with prepared_statements() as cursor:
        found: list[tuple[int, int, int, int]] = cursor.execute(
            sql, {**_values(board), "first": window.first, "last": window.last, "resident_id": resident_id}
        ).fetchall()
    size = found[0][2] if found else 0
    mine = next(((place, score) for owner, score, _, place in found if owner == resident_id), None)
    begin, end = window.first, window.last
    if window.around:
        begin, end = (max(0, mine[0] + begin), mine[0] + end) if mine else (0, -1)
    places = " ".join(f"{owner} {score}" for owner, score, _, place in found if begin <= place <= end)
    return Standings(size, mine, begin, places)


def _values(board: Board) -> dict[str, Any]:
    return {"kind": board.period.kind, "starts_on": board.period.starts_on, "area_id": board.area_id}
