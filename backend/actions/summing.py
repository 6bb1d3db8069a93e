"""A resident's own actions, summed."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import cast, func, null, select
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
