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
    board = db.session.get(SettledBoard, (metric, kind, period.starts_on, _scope_of(area)))
    if board is None:
        raise NotSettledError
    return Settled(metric, area, period, board.size, board.settled_at, _places(metric, board.standings))


def _scope_of(area: str | None) -> str:
    if area is None:
        return "city"
    found = db.session.scalar(select(Area).where(Area.code == area))
    if found is None:
        raise ValidationFailedError.of({"area": gettext("There is no district or community of this code.")})
    return f"{found.kind}:{found.id}"


def _places(metric: str, standings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [standing["resident_id"] for standing in standings]
    columns = Resident.resident_id, Resident.nickname, Resident.state
    people = {row[0]: row for row in db.session.execute(select(*columns).where(Resident.resident_id.in_(ids)))}
    return [
        {
            "rank": standing["rank"],
            "resident_id": standing["resident_id"],
            "nickname": people[standing["resident_id"]][1],
            "state": people[standing["resident_id"]][2],
            "score": standing["score"] if metric == "points" else grams(standing["score"]),
        }
        for standing in standings
    ]
