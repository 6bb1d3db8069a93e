"""A partner's event: what its system recorded about one of its users, and how it is read from JSON.

One plain reader instead of a schema: a page has thousands of events, each must be refused by itself, and the schema
machinery takes longer over an event than PostgreSQL does. `EventSchema` describes the same shape to the world.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import gettext as _

from backend.actions.claim import milli

MOST = 5_000
"""Events that are credited together."""
LONGEST = 200
"""Characters of an id."""
FIELDS = frozenset({"external_id", "subject", "task", "started_at", "ended_at", "activity"})
ACTIVITY_FIELDS = frozenset({"quantity", "unit"})
YEARS = range(1900, 3000)
"""What lies beyond is a slip, and too near the ends of the calendar to reckon with."""
NUMBERS = frozenset({int, float, Decimal})


class Event(NamedTuple):
    """One event that could be read; instants are aware UTC, `started_at` is when it occurred if it has no end."""

    external_id: str
    subject: str
    task: str
    started_at: datetime
    ended_at: datetime | None
    quantity_milli: int | None
    unit: str | None
    """None: the task's own."""


class BrokenEventError(Exception):
    """One event cannot be read; the message names the field and the cure. The others go on."""


def read_event(raw: Any) -> Event:
    """An event from its JSON; raises BrokenEventError."""
    if type(raw) is not dict:
        raise BrokenEventError(_("Not an object."))
    if not FIELDS.issuperset(raw):
        raise BrokenEventError(_("%(field)s: unknown field.", field=min(raw.keys() - FIELDS)))
    ended_at = raw.get("ended_at")
    quantity, unit = _activity(raw.get("activity"))
    return Event(
        name_of(raw.get("external_id"), "external_id"),
        name_of(raw.get("subject"), "subject"),
        name_of(raw.get("task"), "task"),
        _instant(raw.get("started_at"), "started_at"),
        None if ended_at is None else _instant(ended_at, "ended_at"),
        quantity,
        unit,
    )


def payload_of(event: Event) -> dict[str, Any]:
    """The event as JSON, such that reading it gives the same event."""
    quantity = event.quantity_milli
    return {
        "external_id": event.external_id,
        "subject": event.subject,
        "task": event.task,
        "started_at": event.started_at.isoformat(),
        "ended_at": None if event.ended_at is None else event.ended_at.isoformat(),
        "activity": None if quantity is None else {"quantity": quantity / 1000, "unit": event.unit},
    }


def name_of(value: Any, field: str) -> str:
    """An id or a code: 1 to 200 printable characters. Raises BrokenEventError."""
    if type(value) is not str or not value or len(value) > LONGEST or not value.isprintable():
        raise BrokenEventError(_("%(field)s: give 1 to %(most)s printable characters.", field=field, most=LONGEST))
    return value


def quantity_of(value: Any) -> int:
    """Activity data in thousandths of its unit, rounded down, from a number; raises BrokenEventError."""
    if type(value) not in NUMBERS:
        raise BrokenEventError(_("activity.quantity: not a number."))
    try:
        return milli(value)
    except ValueError as error:
        raise BrokenEventError(_("activity.quantity: not a number of a sensible size.")) from error


def _activity(raw: Any) -> tuple[int | None, str | None]:
    if raw is None:
        return None, None
    if type(raw) is not dict:
        raise BrokenEventError(_("activity: not an object."))
    if not ACTIVITY_FIELDS.issuperset(raw):
        raise BrokenEventError(_("%(field)s: unknown field.", field=f"activity.{min(raw.keys() - ACTIVITY_FIELDS)}"))
    unit = raw.get("unit")
    return quantity_of(raw.get("quantity")), None if unit is None else name_of(unit, "activity.unit")


def _instant(value: Any, field: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BrokenEventError(_("%(field)s: not a time such as 2026-11-24T08:00:00Z.", field=field)) from error
    if instant.year in YEARS:
        if instant.tzinfo is UTC:
            return instant
        if instant.tzinfo is None:
            raise BrokenEventError(_("%(field)s: give the offset from UTC too, such as Z or +08:00.", field=field))
        instant = instant.astimezone(UTC)
        # Asked again: what is kept for a subject that binds later is read again, and must not be refused then.
        if instant.year in YEARS:
            return instant
    raise BrokenEventError(_("%(field)s: not a year that can be meant.", field=field))
