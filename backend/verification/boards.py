"""Leaderboards in Redis against the scores in PostgreSQL, member by member.

A partition's projector is kept out while some of that partition's residents are compared, so that nothing moves; a few
thousand at a time, so that it never waits long. Residents of whom something waits in the outbox are left out: their
scores are written anew, absolute, when it is projected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend import redis
from backend.database import statements
from backend.leaderboard import epochs, locks
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.filling import COLUMN
from backend.leaderboard.reach import reaching
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import READY
from backend.leaderboard.writing import live
from backend.outbox import PARTITIONS
from backend.verification.difference import Checked, Difference
from backend.verification.snapshot import Cursor

AT_ONCE = 5_000
"""Residents compared under one lock: some tens of milliseconds."""

_EXPECTED = """
SELECT s.resident_id, {score} FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership}
    AND s.resident_id > %(after)s AND s.resident_id %% {partitions} = %(partition)s
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.resident_id = s.resident_id)
ORDER BY s.resident_id LIMIT {limit}
"""
_SIZE = """
SELECT count(*) FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership}
"""
_STRANGERS = """
SELECT m.member FROM unnest(%(members)s::text[]) AS m (member)
WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.resident_id::text = m.member)
    AND NOT EXISTS (SELECT FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
        WHERE s.resident_id::text = m.member AND s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0
            AND {membership})
"""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A board that is in Redis."""

    board: Board
    key: str

    def values(self, **more: Any) -> dict[str, Any]:
        period = self.board.period
        return {"kind": period.kind, "starts_on": period.starts_on, "area_id": self.board.area_id, **more}

    def sql(self, text: str) -> str:
        board = self.board
        return text.format(
            score=SCORE[board.metric],
            column=COLUMN[board.metric],
            membership=MEMBERSHIP[board.scope],
            partitions=PARTITIONS,
            limit=AT_ONCE,
        )


def differences(checked: Checked) -> Iterator[Difference]:
    """Every score of every complete board that differs, every member that is missing, and every one too many.

    Boards that are behind, being filled or not there are shown to nobody, and are not compared.
    """
    with statements() as cursor:
        try:
            state = epochs.state(cursor)
            for board in [] if state.behind else live(state.epoch):
                shown = _Shown(board, board.key(state.epoch))
                if _is_complete(shown):
                    checked.boards += 1
                    yield from _of_board(cursor, shown)
        except redis.RedisError as error:
            yield Difference("boards", "city", "Redis", "an answer", str(error))


def _of_board(cursor: Cursor, shown: _Shown) -> Iterator[Difference]:
    found = [
        difference
        for partition in range(PARTITIONS)
        for difference in _of_partition(cursor, shown, partition=partition)
    ]
    size = (cursor.execute(shown.sql(_SIZE), shown.values()).fetchone() or (0,))[0]
    with reaching():
        told = redis.client().zcount(shown.key, 1, "+inf")
    if found or told != size:
        # Read at another moment than the members: a reason to look who is too many, not a difference yet.
        found += list(_too_many(cursor, shown))
    # A board that went away meanwhile has shown nobody anything wrong.
    if _is_complete(shown):
        yield from found


def _of_partition(cursor: Cursor, shown: _Shown, *, partition: int) -> Iterator[Difference]:
    after, rows = -1, AT_ONCE
    while rows == AT_ONCE:
        with cursor.connection.transaction():
            locks.take_partition(cursor, partition)
            expected = cursor.execute(shown.sql(_EXPECTED), shown.values(after=after, partition=partition)).fetchall()
            scores = _scores(shown, [who for who, _ in expected])
        for (who, score), told in zip(expected, scores, strict=True):
            if told != score:
                yield _difference(shown, str(who), str(score), "no member" if told is None else f"{told:.0f}")
        rows = len(expected)
        after = expected[-1][0] if expected else after


def _too_many(cursor: Cursor, shown: _Shown) -> Iterator[Difference]:
    position = 0
    while True:
        with reaching():
            position, page = redis.client().zscan(shown.key, position, count=AT_ONCE)
        members = [str(member) for member, score in page if float(score) > 0]
        for member in _strangers(cursor, shown, members):
            with cursor.connection.transaction():
                locks.take_partition(cursor, int(member) % PARTITIONS if member.isdecimal() else 0)
                if _strangers(cursor, shown, [member]) and (score := _scores(shown, [member])[0]):
                    yield _difference(shown, member, "no member", f"{score:.0f}")
        if position == 0:
            return


def _strangers(cursor: Cursor, shown: _Shown, members: Sequence[str]) -> list[str]:
    rows = cursor.execute(shown.sql(_STRANGERS), shown.values(members=list(members)))
    return [row[0] for row in rows]


def _scores(shown: _Shown, members: Sequence[int | str]) -> list[float | None]:
    if not members:
        return []
    with reaching():
        scores: Any = redis.client().zmscore(shown.key, [str(member) for member in members])
    return [redis.number(score) for score in scores]


def _is_complete(shown: _Shown) -> bool:
    with reaching():
        return redis.number(redis.client().zscore(shown.key, "#")) == READY


def _difference(shown: _Shown, subject: str, expected: str, found: str) -> Difference:
    return Difference("boards", subject, f"score on {shown.board.name}", expected, found)
