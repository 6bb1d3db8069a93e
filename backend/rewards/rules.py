"""What a reward's terms allow at a moment: pure arithmetic."""

from datetime import date, datetime, timedelta

from backend import clock
from backend.catalogue.rules import LEVELS

KINDS = ("physical", "voucher", "pickup", "donation")
LIMIT_PERIODS = ("ever", "day", "month", "year")
STATES = ("available", "not_yet", "ended", "sold_out", "locked")
STATUSES = ("reserved", "fulfilled", "cancelled", "expired")
AT_ONCE = frozenset({"voucher", "donation"})
"""Kinds that are fulfilled in the moment of redeeming: there is nothing to hand over later."""
COUNTING = ("reserved", "fulfilled")
"""Statuses whose quantity counts against a resident's limit."""


def is_open(now: datetime, *, opens_at: datetime | None, closes_at: datetime | None) -> bool:
    """Whether an instant lies in [opens_at, closes_at); None: no bound on that side."""
    return (opens_at is None or opens_at <= now) and (closes_at is None or now < closes_at)


def reaches(min_level: str, *, co2e_mg: int) -> bool:
    """Whether a lifetime reduction reaches a level."""
    return co2e_mg >= LEVELS[min_level]


def state(
    now: datetime,
    *,
    opens_at: datetime | None,
    closes_at: datetime | None,
    unlocked: bool,
    stock: int | None,
) -> str:
    """The one word that a resident sees; of several that fit, the one that lasts longest."""
    if closes_at is not None and closes_at <= now:
        return "ended"
    if opens_at is not None and now < opens_at:
        return "not_yet"
    if not unlocked:
        return "locked"
    return "sold_out" if stock == 0 else "available"


def limit_periods(today: date) -> dict[str, tuple[date, date]]:
    """The day, month and year of a limit that today lies in: its first day, and the one after its last."""
    return {
        "day": (today, today + timedelta(days=1)),
        "month": clock.month_bounds(today),
        "year": (date(today.year, 1, 1), date(today.year + 1, 1, 1)),
    }


def expiry(now: datetime, *, hold_days: int) -> datetime:
    """When what is reserved now goes back: from that instant on nobody can collect it."""
    return now + timedelta(days=hold_days)
