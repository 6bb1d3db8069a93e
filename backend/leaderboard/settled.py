"""Reading what was settled: who stood where when a period's boards were closed, for prizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from backend import clock
from backend.database import db
from backend.errors import NotFoundError, ValidationFailedError
from backend.leaderboard.boards import Board
from backend.leaderboard.models import SettledBoard
from backend.leaderboard.periods import Period, parse
from backend.residents.models import Area, Resident
from backend.web.schemas import grams


class NotSettledError(NotFoundError):
    """Boards of this period are still open, or nobody was on this one."""

    title = _l("This board is not settled: late trips may still change it, or nobody was on it.")


@dataclass(frozen=True, slots=True)
class Settled:
    """A board as it was settled: the first hundred places, best first. Scores are points, or grams."""

    board: str
    area: str | None
    """Code of the district or community; None: the city."""
    period: Period
    size: int
    settled_at: datetime
    items: Sequence[dict[str, Any]]


def read(*, metric: str, kind: str, at: str, area: str | None) -> Settled:
    """The settled board of the period that `at` names; raises ValidationFailedError, NotFoundError, NotSettledError."""
    period = parse(at, kind=kind, today=clock.local_day(clock.now()))
    board = Board(metric, period) if area is None else Board(metric, period, *_place_of(area))
    row = db.session.get(SettledBoard, (metric, kind, period.starts_on, board.scope_name))
    if row is None:
        raise NotSettledError
    return Settled(metric, area, period, row.size, row.settled_at, _places(metric, row.standings))


def _place_of(area: str) -> tuple[str, int]:
    """Scope and number of the district or community of this code."""
    found = db.session.scalar(select(Area).where(Area.code == area))
    if found is None:
        raise ValidationFailedError.of({"area": gettext("There is no district or community of this code.")})
    return found.kind, found.id


def _places(metric: str, standings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [standing["resident_id"] for standing in standings]
    people = {one.resident_id: one for one in db.session.scalars(select(Resident).where(Resident.resident_id.in_(ids)))}
    return [
        {
            **standing,
            "nickname": people[standing["resident_id"]].nickname,
            "state": people[standing["resident_id"]].state,
            "score": standing["score"] if metric == "points" else grams(standing["score"]),
        }
        for standing in standings
    ]
