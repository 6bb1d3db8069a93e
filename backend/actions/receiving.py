"""A page of events as a partner posts it: read one by one, credited together, answered in the order given."""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from flask_babel import gettext as _

from backend.actions.events import MOST, BrokenEventError, Event, read_event
from backend.actions.partner_feed import Result, credit_events
from backend.errors import ValidationFailedError
from backend.garbage import rarely_searched
from backend.partners.models import Partner
from backend.web.blueprint import UnreadableBodyError
from backend.web.schemas import grams

STATUSES = ("credited", "capped", "pending", "duplicate", "refused", "unbound")


def receive(body: bytes, *, partner: Partner, now: datetime) -> dict[str, Any]:
    """Credit the events of a page; how many came to what, and a line for each.

    Raises UnreadableBodyError, ValidationFailedError for what is no page of at most 5,000 events.
    """
    with rarely_searched():
        return _answer(_read(_events_of(body)), partner=partner, now=now)


class _Page(NamedTuple):
    """A page that was read: what it was read from, several times as large, is gone by now."""

    events: list[Event]
    places: list[int]
    """Of the events in the page."""
    lines: list[dict[str, Any]]
    """Of the answer, by place; the events' own are still empty."""


def _read(raw_events: list[Any]) -> _Page:
    events, places, lines = page = _Page([], [], [{}] * len(raw_events))
    for place, raw in enumerate(raw_events):
        try:
            events.append(read_event(raw))
            places.append(place)
        except BrokenEventError as error:
            lines[place] = _broken(raw, error)
    return page


def _answer(page: _Page, *, partner: Partner, now: datetime) -> dict[str, Any]:
    events, places, lines = page
    for place, event, result in zip(places, events, credit_events(partner, events, now=now), strict=True):
        lines[place] = _line(event.external_id, result)
    counts = Counter([line["status"] for line in lines])
    return {"received": len(lines), **{status: counts[status] for status in STATUSES}, "results": lines}


def _events_of(body: bytes) -> list[Any]:
    try:
        page = _parsed(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError from error
    if not isinstance(page, dict) or page.keys() != {"events"} or not isinstance(page["events"], list):
        raise ValidationFailedError.of({"events": _('Send {"events": [...]} and nothing else.')})
    if len(page["events"]) > MOST:
        message = _("Send at most %(most)s events, and the others in further pages.", most=MOST)
        raise ValidationFailedError.of({"events": message})
    events: list[Any] = page["events"]
    return events


def _parsed(body: bytes) -> Any:
    # Decimals keep quantities exact; NaN stays a float, which the reader of its event refuses.
    try:
        return json.loads(body, parse_float=Decimal)
    except InvalidOperation:
        # Some number's exponent is beyond all bounds. That is wrong with its event, not with the page.
        return json.loads(body, parse_float=_decimal_or_nan)


def _decimal_or_nan(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _broken(raw: Any, error: BrokenEventError) -> dict[str, Any]:
    external_id = raw.get("external_id") if isinstance(raw, dict) else None
    return {
        "external_id": external_id if isinstance(external_id, str) else None,
        "status": "refused",
        "reason": "validation-failed",
        "message": str(error),
    }


def _line(external_id: str, result: Result) -> dict[str, Any]:
    status, reason, co2e_mg, points, _ = result
    line: dict[str, Any] = {"external_id": external_id, "status": status}
    if reason:
        line["reason"] = reason
    if status in {"credited", "capped"}:
        line["co2e_g"] = grams(co2e_mg)
        line["points"] = points
    return line
