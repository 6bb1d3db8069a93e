"""Making boards and period scores anew: the first from the second, the second from the actions."""

from collections.abc import Iterator
from itertools import groupby

from backend import clock
from backend.database import cursor as session_cursor
from backend.database import statements, take_time, transaction
from backend.leaderboard import epochs, locks
from backend.leaderboard.boards import Board, of_areas
from backend.leaderboard.filling import fill
from backend.leaderboard.periods import STARTS

RESIDENTS = 2_000
"""Residents recomputed in one transaction, in which projectors wait: about a second with a hundred actions each."""

_LAST = "SELECT coalesce(max(resident_id), 0) FROM wallets"
_DISTRICTS = "SELECT id FROM areas WHERE kind = 'district' ORDER BY id"
_FORGET = "DELETE FROM period_scores WHERE resident_id BETWEEN %(first)s AND %(last)s"
# One statement sees actions and outbox as of one moment, and an action is written together with its row of the outbox:
# what waits there is left out here, and the projector adds it later.
_RECOMPUTE = f"""
WITH deed AS (
    SELECT resident_id, local_day AS day, CASE WHEN status = 'credited' THEN points ELSE 0 END AS points,
        CASE WHEN status = 'credited' THEN co2e_mg ELSE 0 END AS co2e_mg, (status = 'credited')::int AS actions,
        CASE WHEN points <> 0 THEN GREATEST(posted_at, reversed_at) END AS points_at,
        CASE WHEN co2e_mg <> 0 THEN GREATEST(posted_at, reversed_at) END AS co2e_at
    FROM actions WHERE resident_id BETWEEN %(first)s AND %(last)s AND status IN ('credited', 'reversed')
    UNION ALL
    SELECT resident_id, day, -points, -co2e_mg, -actions, NULL, NULL
    FROM outbox WHERE resident_id BETWEEN %(first)s AND %(last)s AND kind = 'action'),
daily AS (
    SELECT resident_id, day, sum(points) AS points, sum(co2e_mg) AS co2e_mg, sum(actions) AS actions,
        max(points_at) AS points_at, max(co2e_at) AS co2e_at
    FROM deed GROUP BY resident_id, day)
INSERT INTO period_scores (resident_id, period, starts_on, points, points_reached_at, co2e_mg, co2e_reached_at, actions)
SELECT d.resident_id, p.period, p.starts_on, sum(d.points), max(d.points_at), sum(d.co2e_mg), max(d.co2e_at),
    sum(d.actions)
FROM daily d CROSS JOIN LATERAL {STARTS.format(day="d.day")} AS p (period, starts_on)
GROUP BY d.resident_id, p.period, p.starts_on
"""  # noqa: S608  the parts are ours


def recompute() -> Iterator[tuple[int, int]]:
    """Make all period scores anew from the actions; yields (residents done, of how many) after each transaction.

    Awards go on meanwhile; projectors wait while a chunk is recomputed. Boards must be rebuilt after it.
    """
    with statements() as cursor:
        last: int = (cursor.execute(_LAST).fetchone() or (0,))[0]
    for first in range(1, last + 1, RESIDENTS):
        with transaction():
            cursor = session_cursor()
            take_time(cursor, seconds=120)
            locks.keep_projectors_out(cursor)
            values = {"first": first, "last": first + RESIDENTS - 1}
            cursor.execute(_FORGET, values)
            cursor.execute(_RECOMPUTE, values, prepare=False)
        yield min(first + RESIDENTS - 1, last), last


def rebuild() -> Iterator[tuple[int, int]]:
    """Drop all boards and fill the present ones of the city and its districts; yields (boards done, of how many).

    Boards of communities and of past periods come back when somebody reads them; many never are. Raises RedisError.
    """
    with transaction():
        epoch = epochs.begin(session_cursor())
    boards = sorted(_present(), key=_place)
    done = 0
    for _, group in groupby(boards, key=_place):
        together = list(group)
        with transaction():
            fill(session_cursor(), together, epoch=epoch)
        done += len(together)
        yield done, len(boards)


def _place(board: Board) -> tuple[str, str, str]:
    return board.metric, board.period.kind, board.scope


def _present() -> list[Board]:
    with statements() as cursor:
        districts = [row[0] for row in cursor.execute(_DISTRICTS)]
    return of_areas(clock.local_day(clock.now()), {"district": districts})
