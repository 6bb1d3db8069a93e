"""Reading boards."""

from typing import Any

from flask_babel import gettext

from backend import clock
from backend.database import prepared_statements
from backend.errors import UnauthenticatedError, ValidationFailedError
from backend.leaderboard import pages
from backend.leaderboard.boards import Board
from backend.leaderboard.knowledge import admit, look
from backend.leaderboard.pages import period_shown
from backend.leaderboard.periods import KINDS, containing, parse
from backend.leaderboard.scores import METRICS
from backend.leaderboard.standings import Window, filled, from_postgresql, from_redis
from backend.residents.auth import Caller

ATTEMPTS = 4
"""Readings from Redis before PostgreSQL answers: by a past epoch, of a board that had to be filled, and once more."""

_PLACES = """
SELECT r.district_id, r.community_id FROM residents r
WHERE r.resident_id = %s AND r.state = 'active' AND r.token_epoch = %s
"""


def boards_of(caller: Caller) -> list[dict[str, Any]]:
    """The present boards that a resident is on: of the city, and of the district and community that are set."""
    today = clock.local_day(clock.now())
    areas = _areas(caller)
    return [
        {"metric": metric, "scope": scope, "period": period_shown(containing(today, kind=kind))}
        for metric in METRICS
        for kind in KINDS
        for scope in ("city", *(scope for scope, area_id in areas.items() if area_id is not None))
    ]


def board_of(caller: Caller, *, metric: str, kind: str, scope: str, at: str | None) -> Board:
    """The board that a resident asks for; raises ValidationFailedError for a scope or a period that is none."""
    period = parse(at, kind=kind, today=clock.local_day(clock.now()))
    if scope == "city":
        return Board(metric, period)
    area_id = _areas(caller)[scope]
    if area_id is None:
        messages = {
            "district": gettext("You have set no district: set it with PATCH /me first."),
            "community": gettext("You have set no community: set it with PATCH /me first."),
        }
        raise ValidationFailedError.of({"scope": messages[scope]})
    return Board(metric, period, scope, area_id)


def read(board: Board, window: Window, *, caller: Caller) -> str:
    """A page of a board and the caller's own place on it, as JSON, in one round trip to Redis.

    Names, the end of a session and what is said of Redis itself are as they were at most a second before
    (knowledge.STALE_S). Raises UnauthenticatedError. Where Redis cannot answer, PostgreSQL does.
    """
    known = look()
    admit(caller, known)
    for _ in range(ATTEMPTS):
        epoch = known.state.epoch
        if known.state.behind:
            break
        found = from_redis(board, window, epoch=epoch, resident_id=caller.resident_id)
        if found is not None:
            return pages.whole(board, found, pages.items(board, found, known=known, kept=not window.around))
        # Nothing is there: perhaps a new epoch has begun, and we have not heard of it.
        known = look(afresh=True)
        if known.state.epoch == epoch and not filled(board, epoch=epoch):
            break
    found = from_postgresql(board, window, resident_id=caller.resident_id)
    return pages.whole(board, found, pages.items(board, found, known=known, kept=False))


def _areas(caller: Caller) -> dict[str, int | None]:
    with prepared_statements() as cursor:
        row = cursor.execute(_PLACES, (caller.resident_id, caller.epoch)).fetchone()
    if row is None:
        raise UnauthenticatedError
    return {"district": row[0], "community": row[1]}
