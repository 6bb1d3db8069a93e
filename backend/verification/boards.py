"""Leaderboards in Redis against the scores in PostgreSQL, member by member.

Read first without any lock: whoever differs then may only have moved in between, and is compared again while the
projector of the resident's partition is kept out, so that nothing moves. So projectors wait for milliseconds, and only
for the few. Residents of whom something waits in the outbox are left out: their scores are written anew, absolute,
when it is projected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from backend import redis
from backend.database import autocommit_cursor, take_time
from backend.database.abreast import Cursor
from backend.leaderboard import epochs, locks
from backend.leaderboard.boards import MEMBERSHIP, Board
from backend.leaderboard.filling import COLUMN, is_complete
from backend.leaderboard.scores import SCORE
from backend.leaderboard.scripts import COMPARE, Call, run
from backend.leaderboard.writing import live
from backend.outbox import PARTITIONS
from backend.verification.difference import Checked, Difference

AT_ONCE = 2_000
"""Members a call: a few milliseconds of Redis, which serves nobody else meanwhile."""

_MEMBERS = """
COPY (SELECT {score}, s.resident_id FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id
    WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {membership})
TO STDOUT (DELIMITER ' ')
"""
_DUE = """
SELECT m.member, max({score}) FILTER (WHERE s.{column} > 0 AND {membership})
FROM unnest(%(members)s::text[]) AS m (member)
LEFT JOIN residents r ON r.resident_id::text = m.member AND r.resident_id = ANY(%(residents)s)
LEFT JOIN period_scores s ON s.resident_id = r.resident_id AND s.period = %(kind)s AND s.starts_on = %(starts_on)s
WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.resident_id = r.resident_id) GROUP BY m.member
"""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A board that is in Redis."""

    board: Board
    epoch: int

    @property
    def key(self) -> str:
        return self.board.key(self.epoch)

    def is_complete(self) -> bool:
        return is_complete(self.board, epoch=self.epoch)

    def values(self, **more: Any) -> dict[str, Any]:
        period = self.board.period
        return {"kind": period.kind, "starts_on": period.starts_on, "area_id": self.board.area_id, **more}

    def sql(self, text: str) -> str:
        board = self.board
        return text.format(score=SCORE[board.metric], column=COLUMN[board.metric], membership=MEMBERSHIP[board.scope])


def differences(checked: Checked) -> Iterator[Difference]:
    """Every score of every complete board that differs, every member that is missing, and every one too many.

    Boards that are behind, being filled or not there are shown to nobody, and are not compared.
    """
    with autocommit_cursor() as reader, autocommit_cursor() as cursor:
        try:
            state = epochs.state(cursor)
            for board in [] if state.behind else live(state.epoch):
                shown = _Shown(board, state.epoch)
                if shown.is_complete():
                    checked.boards += 1
                    yield from _of_board(reader, cursor, shown)
        except redis.RedisError as error:
            yield Difference("boards", "city", "Redis", "an answer", str(error))


def _of_board(reader: Cursor, cursor: Cursor, shown: _Shown) -> Iterator[Difference]:
    size, differs = 0, False
    for lines in _chunks(reader, shown):
        size += len(lines)
        with redis.reaching():
            suspects = str(run(Call(COMPARE, shown.key, (b"".join(lines),)))).split()
        for difference in _certain(cursor, shown, suspects):
            differs = True
            yield difference
    with redis.reaching():
        told = redis.client().zcount(shown.key, 1, "+inf")
    if differs or told != size:
        for members in _pages(shown):
            strangers = [member for member, due in _due(cursor, shown, members).items() if due is None]
            yield from _certain(cursor, shown, strangers)


def _chunks(reader: Cursor, shown: _Shown) -> Iterator[list[Any]]:
    """Lines `score member`. Compared where the boards are: what agrees never comes here."""
    with reader.connection.transaction():
        take_time(reader, seconds=0)
        with reader.copy(shown.sql(_MEMBERS), shown.values()) as lines:
            stream = iter(lines)
            while chunk := list(islice(stream, AT_ONCE)):
                yield chunk


def _pages(shown: _Shown) -> Iterator[list[str]]:
    position = -1
    while position:
        with redis.reaching():
            position, page = redis.client().zscan(shown.key, max(position, 0), count=AT_ONCE)
        yield [str(member) for member, score in page if float(score) > 0]


def _certain(cursor: Cursor, shown: _Shown, suspects: Sequence[str]) -> Iterator[Difference]:
    for partition in range(PARTITIONS):
        members = [member for member in suspects if _partition(member) == partition]
        if not members:
            continue
        with cursor.connection.transaction():
            locks.take_partition(cursor, partition)
            due = _due(cursor, shown, members)
            scores = dict(zip(due, _scores(shown, list(due)), strict=True))
        # A board that went away meanwhile has shown nobody anything wrong.
        differing = [member for member in due if due[member] != scores[member]]
        if differing and shown.is_complete():
            for member in differing:
                what = f"score on {shown.board.name}"
                yield Difference("boards", member, what, _told(due[member]), _told(scores[member]))


def _due(cursor: Cursor, shown: _Shown, members: Sequence[str]) -> dict[str, int | None]:
    residents = [int(member) for member in members if _is_resident(member)]
    values = shown.values(members=list(members), residents=residents)
    return dict(cursor.execute(shown.sql(_DUE), values).fetchall())


def _scores(shown: _Shown, members: list[str]) -> list[float | None]:
    if not members:
        return []
    with redis.reaching():
        scores: Any = redis.client().zmscore(shown.key, members)
    # Who has fallen to nothing stays with score 0, and is not shown.
    return [float(score) if score else None for score in scores]


def _is_resident(member: str) -> bool:
    return member.isascii() and member.isdecimal() and len(member) < len(str(2**63))


def _partition(member: str) -> int:
    return int(member) % PARTITIONS if _is_resident(member) else 0


def _told(score: float | None) -> str:
    return "no member" if score is None else f"{score:.16g}"
