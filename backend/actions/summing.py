"""A resident's own actions, summed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import cast, extract, func, null, select
from sqlalchemy.types import Date

from backend.actions.models import Action
from backend.database import db


@dataclass(frozen=True, slots=True)
class TaskSum:
    """Grams (in mg) and number of the credited actions of one task; in one month, or ever."""

    task_id: int
    month: date | None
    co2e_mg: int
    actions: int


@dataclass(frozen=True, slots=True)
class OwnSums:
    """The number of the last action, whatever became of it; number, grams (in mg) and points of the credited ones."""

    last_seq: int
    actions: int
    co2e_mg: int
    points_by_year: Mapping[int, int]


def by_task(resident_id: int, *, monthly: bool) -> list[TaskSum]:
    """Sums of the credited actions by task, or by month and task; newest month first, then most grams first.

    Reads the resident's own actions by the primary key's prefix: as many rows as there are of them.
    """
    month = cast(func.date_trunc("month", Action.local_day), Date) if monthly else cast(null(), Date)
    grams, times = func.sum(Action.co2e_mg), func.count()
    query = (
        select(Action.task_id, month.label("month"), grams, times)
        .where(Action.resident_id == resident_id, Action.status == "credited")
        .group_by(Action.task_id, "month")
        .order_by(month.desc(), grams.desc(), Action.task_id)
    )
    return [TaskSum(task, first, int(co2e), count) for task, first, co2e, count in db.session.execute(query)]


def of_all(resident_id: int) -> OwnSums:
    """What all actions of a resident come to."""
    mine = Action.resident_id == resident_id
    last_seq = db.session.scalar(select(func.max(Action.seq)).where(mine))
    year = extract("year", Action.local_day)
    query = select(year, func.count(), func.sum(Action.co2e_mg), func.sum(Action.points))
    rows = db.session.execute(query.where(mine, Action.status == "credited").group_by(year)).all()
    return OwnSums(
        last_seq=last_seq or 0,
        actions=sum(count for _year, count, _co2e, _points in rows),
        co2e_mg=sum(int(co2e) for _year, _count, co2e, _points in rows),
        points_by_year={int(first): int(points) for first, _count, _co2e, points in rows},
    )
