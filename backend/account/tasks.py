"""The green tasks as one resident sees them: what is open, what is locked, what is used up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import json

from backend import clock, present
from backend.account import reading, task_texts
from backend.account.reading import MINE
from backend.catalogue import service as catalogue_service
from backend.catalogue.rules import TaskRules
from backend.catalogue.service import Catalogue
from backend.errors import NotFoundError
from backend.residents.auth import Caller
from backend.web import caller_language
from backend.web.titles import local

MOST_SHOWN = 20_000
"""Texts that a process keeps: tasks × languages × what differs between residents."""

# Limits count what is credited and what waits for a reviewer, as the rules do when they judge.
_DAY = f"""
SELECT w.co2e_mg, w.actions, v.revision, u.task_id, u.today, u.month, r.left_on
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
    day: date
    co2e_mg: int
    actions: int
    today: Mapping[int, int]
    month: Mapping[int, int]
    left_on: date | None

    def left_in(self, period: str) -> bool:
        """Whether the same person has left an account in the present day or month: nothing counts in it any more."""
        first = self.day if period == "day" else self.day.replace(day=1)
        return self.left_on is not None and first <= self.left_on


class Availability(NamedTuple):
    """All of a task that differs between residents, or changes in time."""

    state: str
    progress: float
    begun: bool
    today: int
    month: int


_UNTOUCHED = Availability(state="available", progress=1.0, begun=True, today=0, month=0)
"""How most tasks stand for most residents: open to everybody at any time, and not done this month."""


class _Shown:
    """Tasks as JSON, of one catalogue: in each language as they stand untouched, and each as it stands otherwise.

    Writing 21 tasks as JSON costs more than all the rest of the request, and most residents stand alike.
    """

    def __init__(self, catalogue: Catalogue, *, day: date) -> None:
        self.catalogue = catalogue
        self.texts: dict[tuple[str, int, Availability], str] = {}
        self._ordered = list(catalogue.tasks.values())
        self._places = {rules.task_id: place for place, rules in enumerate(self._ordered)}
        self._conditional = {place for place, rules in enumerate(self._ordered) if _is_conditional(rules, day)}
        self._untouched: dict[str, list[str]] = {}

    def items(self, progress: Progress, *, language: str) -> list[str]:
        """All tasks in their order, as this resident sees them."""
        untouched = self._untouched.get(language)
        if untouched is None:
            untouched = [json.dumps(_task(rules, _UNTOUCHED, now=progress.now)) for rules in self._ordered]
            self._untouched[language] = untouched
        items, places = untouched.copy(), self._places
        # A task that was withdrawn has no place.
        touched = {places[task_id] for task_id in progress.month if task_id in places}
        if progress.left_in("month"):
            touched = set(places.values())
        for place in touched | self._conditional:
            items[place] = self._item(place, progress, language)
        return items

    def _item(self, place: int, progress: Progress, language: str) -> str:
        rules = self._ordered[place]
        key = (language, place, _availability(rules, progress))
        text = self.texts.get(key)
        if text is None:
            text = self.texts[key] = json.dumps(_task(rules, key[2], now=progress.now))
        return text


def list_tasks(caller: Caller) -> str:
    """All tasks in their order, as a JSON array; raises UnauthenticatedError."""
    catalogue, progress = _read(caller)
    items = _shown(catalogue, day=progress.day).items(progress, language=caller_language())
    return f"[{', '.join(items)}]"


def get_task(caller: Caller, code: str) -> dict[str, Any]:
    """One task with its description; raises UnauthenticatedError, NotFoundError."""
    catalogue, progress = _read(caller)
    if code not in catalogue.tasks:
        raise NotFoundError
    rules = catalogue.tasks[code]
    shown = _task(rules, _availability(rules, progress), now=progress.now)
    return {**shown, "description": local(rules.description)}


def _read(caller: Caller) -> tuple[Catalogue, Progress]:
    now = clock.now()
    day = clock.local_day(now)
    today, tomorrow = clock.day_bounds(day)
    month = clock.day_bounds(day.replace(day=1))[0]
    found = reading.rows(_DAY, caller=caller, today=today, tomorrow=tomorrow, month=month)
    co2e_mg, actions, revision = found[0][:3]
    used_today = {row[3]: row[4] for row in found}
    used_in_month = {row[3]: row[5] for row in found}
    progress = Progress(now, day, co2e_mg, actions, used_today, used_in_month, left_on=found[0][6])
    return catalogue_service.current(revision), progress


def _shown(catalogue: Catalogue, *, day: date) -> _Shown:
    shown: _Shown | None = present.extensions().get("shown_tasks")
    if shown is None or shown.catalogue is not catalogue or len(shown.texts) >= MOST_SHOWN:
        shown = present.extensions()["shown_tasks"] = _Shown(catalogue, day=day)
    return shown


def _is_conditional(rules: TaskRules, day: date) -> bool:
    """Whether how it stands, on that day or later, depends on more than how often it was done."""
    if rules.quantifier is not None and not rules.quantifier.holds_from(day):
        return True
    return bool(rules.unlock) or rules.starts_at is not None or rules.ends_at is not None


def _availability(rules: TaskRules, progress: Progress) -> Availability:
    today, month = progress.today.get(rules.task_id, 0), progress.month.get(rules.task_id, 0)
    begun, over = _span(rules, progress)
    return Availability(
        state=_state(rules, progress, begun=begun, over=over, used=today if rules.limit_period == "day" else month),
        progress=_towards(rules, progress, begun=begun),
        begun=begun,
        today=today,
        month=month,
    )


def _span(rules: TaskRules, progress: Progress) -> tuple[bool, bool]:
    """Whether the task has begun, and whether it is over; so it is while no version of its factors holds."""
    begun, over = rules.begun_at(progress.now), rules.over_at(progress.now)
    if rules.quantifier is None or rules.quantifier.on(progress.day) is not None:
        return begun, over
    ended = rules.quantifier.has_ended(progress.day)
    return begun and ended, over or ended


def _state(rules: TaskRules, progress: Progress, *, begun: bool, over: bool, used: int) -> str:
    if over:
        return "ended"
    if not (begun and rules.unlocked_by(co2e_mg=progress.co2e_mg, actions=progress.actions)):
        return "locked"
    return "done" if used >= rules.limit_count or progress.left_in(rules.limit_period) else "available"


def _towards(rules: TaskRules, progress: Progress, *, begun: bool) -> float:
    """How much of what opens the task is reached: the least of it, and nothing before the task begins."""
    parts = [1.0 if begun else 0.0]
    if rules.unlock.get("min_co2e_mg"):
        parts.append(progress.co2e_mg / rules.unlock["min_co2e_mg"])
    if rules.unlock.get("min_actions"):
        parts.append(progress.actions / rules.unlock["min_actions"])
    return max(0, int(min(parts) * 100)) / 100


def _task(rules: TaskRules, availability: Availability, *, now: datetime) -> dict[str, Any]:
    daily = rules.limit_period == "day"
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
        "state": availability.state,
        "unlock": {"rule": task_texts.unlock(rules, now=now), "progress": availability.progress},
        "limits": {
            "per_day": rules.limit_count if daily else None,
            "used_today": availability.today,
            "per_month": None if daily else rules.limit_count,
            "used_this_month": availability.month,
        },
        "quantified": rules.quantifier is not None,
    }
