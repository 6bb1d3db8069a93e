"""Periods of the city's calendar: day, ISO week, month, year and all time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from flask_babel import gettext

from backend.errors import ValidationFailedError

KINDS = ("day", "week", "month", "year", "all")
EVER = date(2000, 1, 1)
"""Where the period `all` begins."""
FIRST_YEAR = 2020
"""Nothing was credited before: no board of an earlier period is ever made."""

STARTS = f"""
(VALUES ('day', {{day}}), ('week', date_trunc('week', {{day}}::timestamp)::date),
    ('month', date_trunc('month', {{day}}::timestamp)::date), ('year', date_trunc('year', {{day}}::timestamp)::date),
    ('all', DATE '{EVER}'))
"""
"""SQL: the five periods (kind, first day) that a day falls into; the same as `containing`."""


@dataclass(frozen=True, slots=True)
class Period:
    """One period: its kind and its first city day."""

    kind: str
    starts_on: date

    @property
    def ends_on(self) -> date | None:
        """Its last city day; None: it never ends."""
        if self.kind == "all":
            return None
        days = {"day": 1, "week": 7, "month": 31, "year": 366}[self.kind]
        return containing(self.starts_on + timedelta(days=days), kind=self.kind).starts_on - timedelta(days=1)

    def is_current(self, today: date) -> bool:
        """Whether it contains today."""
        return containing(today, kind=self.kind) == self


def containing(day: date, *, kind: str) -> Period:
    """The period of that kind that a day falls into."""
    return Period(kind, _FIRST[kind](day))


_FIRST: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
    "all": lambda _: EVER,
}


@lru_cache(maxsize=1_024)
def parse(at: str | None, *, kind: str, today: date) -> Period:
    """The period that `at` names (2026-11-24, 2026-W47, 2026-11, 2026), else today's; raises ValidationFailedError."""
    if at is None:
        return containing(today, kind=kind)
    day = _day_of(at, kind=kind)
    if day is None or day > today or day.year < FIRST_YEAR:
        message = gettext(
            "Name a past or present period as %(form)s, or leave it out for the present one.",
            form=_FORMS[kind],
        )
        raise ValidationFailedError(message, errors=[{"field": "at", "message": message}])
    return containing(day, kind=kind)


_FORMS = {"day": "2026-11-24", "week": "2026-W47", "month": "2026-11", "year": "2026", "all": "2026"}


def _day_of(at: str, *, kind: str) -> date | None:
    text = {"week": f"{at}-1", "month": f"{at}-01", "year": f"{at}-01-01", "all": f"{at}-01-01"}.get(kind, at)
    if len(at) != len(_FORMS[kind]) or not at.isascii():
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
