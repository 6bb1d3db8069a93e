"""The green tasks as one resident sees them: what is open, what is locked, what is used up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import get_locale

from backend import clock
from backend.account import reading, task_texts
from backend.account.reading import MINE
from backend.catalogue import service as catalogue_service
from backend.catalogue.rules import TaskRules
from backend.catalogue.service import Catalogue
from backend.errors import NotFoundError
from backend.residents.auth import Caller
from backend.titles import local

# Limits count what is credited and what waits for a reviewer, as the rules do when they judge.
_DAY = f"""
SELECT w.co2e_mg, w.actions, v.revision, u.task_id, u.today, u.month
FROM residents r
JOIN wallets w ON w.resident_id = r.resident_id
CROSS JOIN catalogue_revision v
LEFT JOIN LATERAL (
    SELECT a.task_id, count(*) FILTER (WHERE a.happened_at >= %(today)s) AS today, count(*) AS month
    FROM actions a
    WHERE a.resident_id = r.resident_id AND a.happened_at >= %(month)s AND a.happened_at < %(tomorrow)s
        AND a.status IN ('credited', 'pending')
    GROUP BY a.task_id) u ON true
WHERE {MINE}
"""  # noqa: S608  the parts are ours


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the resident is: lifetime milligrams and actions, and how often each task was done lately."""

    now: datetime
    co2e_mg: int
    actions: int
    today: Mapping[int, int]
    month: Mapping[int, int]


@dataclass(slots=True)
class _Shown:
    """What of the tasks is the same for everybody, by language; of one catalogue."""

    catalogue: Catalogue
    by_language: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


def list_tasks(caller: Caller) -> list[dict[str, Any]]:
    """All tasks in their order, in one statement; raises UnauthenticatedError."""
    catalogue, progress = _read(caller)
    same = _same_for_all(catalogue)
    return [_task(rules, progress, same[rules.code]) for rules in catalogue.tasks.values()]


def get_task(caller: Caller, code: str) -> dict[str, Any]:
    """One task with its description; raises UnauthenticatedError, NotFoundError."""
    catalogue, progress = _read(caller)
    if code not in catalogue.tasks:
        raise NotFoundError
    rules = catalogue.tasks[code]
    return {**_task(rules, progress, _same_for_all(catalogue)[code]), "description": local(rules.description)}


def _read(caller: Caller) -> tuple[Catalogue, Progress]:
    now = clock.now()
    day = clock.local_day(now)
    today, tomorrow = clock.day_bounds(day)
    month = clock.day_bounds(day.replace(day=1))[0]
    found = reading.rows(_DAY, caller=caller, today=today, tomorrow=tomorrow, month=month)
    co2e_mg, actions, revision = found[0][:3]
    used_today = {row[3]: row[4] for row in found}
    used_in_month = {row[3]: row[5] for row in found}
    return catalogue_service.current(revision), Progress(now, co2e_mg, actions, used_today, used_in_month)


def _task(rules: TaskRules, progress: Progress, same: Mapping[str, Any]) -> dict[str, Any]:
    daily = rules.limit_period == "day"
    used = (progress.today if daily else progress.month).get(rules.task_id, 0)
    return {
        **same,
        "state": _state(rules, progress, used=used),
        "unlock": {
            "rule": task_texts.unlock(rules, now=progress.now),
            "progress": _towards(rules, progress),
        },
        "limits": {
            "per_day": rules.limit_count if daily else None,
            "used_today": progress.today.get(rules.task_id, 0),
            "per_month": None if daily else rules.limit_count,
            "used_this_month": progress.month.get(rules.task_id, 0),
        },
    }


def _state(rules: TaskRules, progress: Progress, *, used: int) -> str:
    if rules.ends_at is not None and rules.ends_at <= progress.now:
        return "ended"
    open_now = rules.live_at(progress.now)
    if not (open_now and rules.unlocked_by(co2e_mg=progress.co2e_mg, actions=progress.actions)):
        return "locked"
    return "done" if used >= rules.limit_count else "available"


def _towards(rules: TaskRules, progress: Progress) -> float:
    parts = [1.0]
    if rules.unlock.get("min_co2e_mg"):
        parts.append(progress.co2e_mg / rules.unlock["min_co2e_mg"])
    if rules.unlock.get("min_actions"):
        parts.append(progress.actions / rules.unlock["min_actions"])
    return max(0.0, int(min(parts) * 100) / 100)


def _same_for_all(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    shown: _Shown | None = current_app.extensions.get("shown_tasks")
    if shown is None or shown.catalogue is not catalogue:
        shown = current_app.extensions["shown_tasks"] = _Shown(catalogue)
    language = str(get_locale())
    if language not in shown.by_language:
        shown.by_language[language] = {code: _same(rules) for code, rules in catalogue.tasks.items()}
    return shown.by_language[language]


def _same(rules: TaskRules) -> dict[str, Any]:
    return {
        "code": rules.code,
        "title": local(rules.title),
        "category": rules.category,
        "icon": rules.icon,
        "evidence": list(rules.evidence),
        "activity": {
            "unit": rules.unit,
            "min": rules.min_milli / 1000,
            "max": rules.max_milli / 1000,
            "typical": rules.typical_milli / 1000,
        },
        "reward": {"text": task_texts.reward(rules), "points_max": rules.points_max()},
        "quantified": rules.quantifier is not None,
    }
