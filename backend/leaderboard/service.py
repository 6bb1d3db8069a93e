"""Reading boards."""

from typing import Any

from flask_babel import gettext

from backend import clock
from backend.database import prepared_statements
from backend.errors import UnauthenticatedError, ValidationFailedError
from backend.leaderboard import epochs, names
from backend.leaderboard.boards import Board
from backend.leaderboard.names import People
from backend.leaderboard.periods import KINDS, Period, containing, parse
from backend.leaderboard.scores import METRICS, value_of
from backend.leaderboard.standings import Standings, Window, filled, from_postgresql, from_redis
from backend.residents.auth import Caller
from backend.schemas import grams

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
        {"metric": metric, "scope": scope, "period": _period(containing(today, kind=kind))}
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


def read(board: Board, window: Window, *, caller: Caller) -> dict[str, Any]:
    """A page of a board and the caller's own place on it, in one round trip to Redis and one to PostgreSQL.

    Raises UnauthenticatedError. Where Redis cannot answer, PostgreSQL does.
    """
    for _ in range(ATTEMPTS):
        epoch = epochs.known()
        found = from_redis(board, window, epoch=epoch, resident_id=caller.resident_id)
        people = names.look_up([owner for owner, _ in found.rows] if found else [], caller=caller)
        state = people.state
        if found is not None and state == epochs.State(epoch):
            return _rendered(board, found, people)
        epochs.remember(state.epoch)
        if state.behind or (state.epoch == epoch and not filled(board, epoch=epoch)):
            break
    found = from_postgresql(board, window, resident_id=caller.resident_id)
    return _rendered(board, found, names.look_up([owner for owner, _ in found.rows], caller=caller))


def _areas(caller: Caller) -> dict[str, int | None]:
    with prepared_statements() as cursor:
        row = cursor.execute(_PLACES, (caller.resident_id, caller.epoch)).fetchone()
    if row is None:
        raise UnauthenticatedError
    return {"district": row[0], "community": row[1]}


def _rendered(board: Board, found: Standings, people: People) -> dict[str, Any]:
    metric, known = board.metric, people.names
    items = [
        {
            "rank": place,
            "name": known[owner][0],
            "avatar_url": known[owner][1],
            "score": _shown(metric, score),
        }
        for place, (owner, score) in enumerate(found.rows, found.first + 1)
    ]
    mine = found.mine
    return {
        "board": metric,
        "scope": board.scope,
        "period": _period(board.period),
        "size": found.size,
        "items": items,
        "me": {"rank": mine[0] + 1, "score": _shown(metric, mine[1])} if mine else None,
    }


def _shown(metric: str, score: int) -> int | float:
    value = value_of(metric, score)
    return value if metric == "points" else grams(value)


def _period(period: Period) -> dict[str, Any]:
    ends_on = period.ends_on
    return {
        "kind": period.kind,
        "starts_on": period.starts_on.isoformat(),
        "ends_on": ends_on.isoformat() if ends_on else None,
    }
