"""Totals day by day, by task and district if wanted."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from backend.database import autocommit_cursor
from backend.totals.models import ANY
from backend.totals.service import kilograms
from backend.web.paging import Page, decode_number, encode

FEW = 5
"""Of fewer participants a row tells whole kilograms only."""
_BITS = 20
_MASK = 2**_BITS - 1

# The two sides are grouped the same way; participants are counted for each grouping, as they cannot be added up.
_DAYS = """
SELECT t.day, t.task_id, g.code, t.district_id, a.code, t.co2e_mg, t.person_times, coalesce(p.residents, 0)
FROM (SELECT day, {task} AS task_id, {district} AS district_id, sum(co2e_mg)::bigint AS co2e_mg,
        sum(actions)::bigint AS person_times
    FROM totals WHERE day BETWEEN %(first)s AND %(last)s GROUP BY 1, 2, 3 HAVING sum(actions) > 0) AS t
LEFT JOIN (SELECT day, task_id, district_id, sum(residents)::bigint AS residents
    FROM participants WHERE day BETWEEN %(first)s AND %(last)s AND task_id {tasks} -1 AND district_id {districts} -1
    GROUP BY 1, 2, 3) AS p ON p.day = t.day AND p.task_id = t.task_id AND p.district_id = t.district_id
LEFT JOIN green_tasks g ON g.id = t.task_id
LEFT JOIN areas a ON a.id = t.district_id
WHERE (t.day, t.task_id, t.district_id) > (%(day)s, %(task_id)s, %(district_id)s)
ORDER BY t.day, t.task_id, t.district_id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Days:
    """Which days, grouped how: both ends are included."""

    first: date
    last: date
    by: frozenset[str]


def daily(days: Days, *, limit: int, cursor: str | None) -> Page:
    """{date, task?, district?, co2e_kg, person_times, participants}, earliest first.

    `district` is None where the resident had set none. Kilograms of whole days are exact, those of parts rounded.

    Raises ValidationFailedError for a cursor that we did not make.
    """
    sql = _DAYS.format(
        task="task_id" if "task" in days.by else ANY,
        district="district_id" if "district" in days.by else ANY,
        tasks="<>" if "task" in days.by else "=",
        districts="<>" if "district" in days.by else "=",
    )
    day, task_id, district_id = _after(cursor)
    values = {
        "first": max(days.first, day),
        "last": days.last,
        "day": day,
        "task_id": task_id,
        "district_id": district_id,
    }
    with autocommit_cursor() as database:
        rows = database.execute(sql, {**values, "limit": limit + 1}).fetchall()
    return Page([_shown(row, by=days.by) for row in rows[:limit]], _next(rows, limit))


def _shown(row: tuple[Any, ...], *, by: frozenset[str]) -> dict[str, Any]:
    day, _, task, _, district, co2e_mg, person_times, participants = row
    shown: dict[str, Any] = {"date": day}
    if "task" in by:
        shown["task"] = task
    if "district" in by:
        shown["district"] = district
    told = _rounded(co2e_mg, participants=participants) if by else kilograms(co2e_mg)
    return shown | {"co2e_kg": told, "person_times": person_times, "participants": participants}


def _rounded(co2e_mg: int, *, participants: int) -> float:
    """Kilograms of a task or district: exact ones of one person would be found again on the day's board.

    Those of many are rounded too: else the rest of an exact day would be what the few did.
    """
    return round(kilograms(co2e_mg), 0 if participants < FEW else 1)


def _next(rows: list[tuple[Any, ...]], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    day, task_id, _, district_id, *_ = rows[limit - 1]
    return encode(((day.toordinal() << _BITS | task_id + 1) << _BITS) | district_id + 1)


def _after(cursor: str | None) -> tuple[date, int, int]:
    place = decode_number(cursor, below=2**63)
    if place is None:
        return date.min, ANY - 1, ANY - 1
    ordinal, task, district = place >> 2 * _BITS, place >> _BITS & _MASK, place & _MASK
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal())), task - 1, district - 1
