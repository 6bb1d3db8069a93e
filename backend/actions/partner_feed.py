"""Crediting partners' events, thousands at a time: posted pages, files, and what waited for its subject to bind.

All go through `credit_events`, which is safe to repeat: an external id counts once, whatever way it comes.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg
import structlog
from flask_babel import lazy_gettext as _l
from psycopg.errors import DeadlockDetected, UniqueViolation
from sqlalchemy.exc import DBAPIError

from backend import metrics, present
from backend.actions.claim import Claim
from backend.actions.events import Event, payload_of, read_event
from backend.actions.in_parts import cause_of, credit_in_parts
from backend.actions.judging import Judged, caps_of
from backend.actions.record_many import record_many
from backend.actions.rules import Caps, decide
from backend.actions.standing import Standing
from backend.catalogue import service as catalogue_service
from backend.catalogue.service import Catalogue
from backend.config import Settings
from backend.database import cursor, db, text_array
from backend.errors import UpstreamUnavailableError
from backend.partners import bindings
from backend.partners.models import MOST_EVENT_AGE_DAYS, Partner

_log = structlog.get_logger()
ATTEMPTS = 3
LATER = frozenset({"task-locked"})
"""Reasons that depend on the resident: no ground to refuse an event whose subject nobody has bound yet.

Before it begins a task is locked to everybody.
"""

_KEEP = """
INSERT INTO external_events (partner_id, external_id, subject, payload, received_at)
SELECT %s, d.external_id, d.subject, d.payload, %s
FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS d (external_id, subject, payload)
ON CONFLICT DO NOTHING RETURNING external_id
"""
_TAKE_KEPT = """
WITH taken AS (
    DELETE FROM external_events WHERE partner_id = %s AND subject = ANY(%s::text[]) AND resident_id IS NULL
    RETURNING payload, received_at, external_id)
SELECT payload, received_at FROM taken ORDER BY received_at, external_id COLLATE "C"
"""
"""Of events that began at one moment the first is credited first: not whichever lies first on the disk."""


class BusyError(UpstreamUnavailableError):
    """Other pages with the same records, or other bindings, came in between again and again."""

    title = _l("The same records are being worked on in another request. Please send them again.")


class _MovedError(Exception):
    """A binding was undone between looking it up and locking its resident's wallet."""


class Result(NamedTuple):
    """What became of one event.

    `status` is credited, capped, pending, duplicate, refused or unbound; `reason` a slug: why it was refused, or
    which cap cut the points.
    """

    status: str
    reason: str | None = None
    co2e_mg: int = 0
    points: int = 0
    resident_id: int | None = None


class _Terms(NamedTuple):
    """What a partner may report, and how its records are judged. Plain values, for they are read for each event."""

    partner_id: int
    tier: str
    tasks: frozenset[str]
    max_age_days: int
    zone: ZoneInfo
    catalogue: Catalogue
    settings: Settings
    now: datetime

    def objection(self, task: str) -> str | None:
        """Why the partner may not report this task."""
        if task not in self.catalogue.tasks:
            return "unknown-task"
        return None if task in self.tasks else "task-not-allowed"

    def claim_of(self, event: Event, place: int) -> Claim:
        """The event as a claim."""
        external_id, subject, task, started_at, ended_at, quantity_milli, unit = event
        day = started_at.astimezone(self.zone).date()
        # By place, in the order of its fields: by name it takes twice as long, thousands of times a page.
        claim = Claim(task, self.tier, quantity_milli, unit, started_at, ended_at, day, external_id)
        claim.partner_id, claim.max_age_days = self.partner_id, self.max_age_days
        claim.subject, claim.place = subject, place
        return claim


def credit_events(partner: Partner, events: Sequence[Event], *, now: datetime, grace_days: int = 0) -> list[Result]:
    """Credit a partner's events inside the session's transaction; results in the order given.

    Of events with one external id the first that is not refused takes it, whoever they belong to; those after it are
    duplicates.
    `grace_days`: how much older than the partner's setting allows they may be. Events of subjects that nobody has
    bound are kept. What PostgreSQL refuses of one event is refused of that one (FAULT), and told in the log; then the
    others are taken by resident and time. Raises BusyError.
    """
    settings = present.settings()
    terms = _Terms(
        partner_id=partner.id,
        tier=partner.tier,
        tasks=frozenset(partner.tasks),
        # Releases before took larger settings, and what is stored stays.
        max_age_days=min(partner.max_event_age_days, MOST_EVENT_AGE_DAYS) + grace_days,
        zone=settings.city_time_zone,
        catalogue=catalogue_service.current(),
        settings=settings,
        now=now,
    )
    try:
        results = _at_once(events, terms=terms)
    except (psycopg.Error, DBAPIError) as error:
        if cause_of(error) is None:
            raise
        results = _in_parts(events, terms=terms)
    _count_refusals(results)
    return results


def _at_once(events: Sequence[Event], *, terms: _Terms) -> list[Result]:
    """All of them or none; raises BusyError, or what PostgreSQL has against one of them."""
    met: UniqueViolation | None = None
    for _ in range(ATTEMPTS):
        try:
            with db.session.begin_nested():
                return _credit(events, terms=terms)
        # Another transaction took one of these ids, or undid a binding, after we looked: look again.
        except UniqueViolation as error:
            met = error
        except (DeadlockDetected, _MovedError):
            met = None
    raise met or BusyError(retry_after=1)


def _in_parts(events: Sequence[Event], *, terms: _Terms) -> list[Result]:
    # Bindings first, then wallets in order of their residents: the order in which all lock them.
    owners = bindings.owners_of({event.subject for event in events}, partner_id=terms.partner_id)

    def turn_of(place: int) -> tuple[float, datetime, int]:
        owner, begun = owners[events[place].subject], events[place].started_at
        return (inf if owner is None else owner), begun, place

    def refuse(place: int, error: psycopg.Error) -> Result:
        external_id, said = events[place].external_id, error.diag.message_primary
        _log.error("event cannot be recorded", partner_id=terms.partner_id, external_id=external_id, error=said)
        return FAULT

    places = sorted(range(len(events)), key=turn_of)
    results = credit_in_parts(places, lambda part: _at_once([events[one] for one in part], terms=terms), refuse=refuse)
    return [results[place] for place in range(len(events))]


def credit_kept(partner: Partner, subjects: Collection[str], *, now: datetime) -> list[Result]:
    """Credit what waited for these subjects, which this transaction has bound, for no more than UNBOUND_DAYS.

    In order of when they began; of those that began at one moment, of when they came in, then of their external ids.
    What is refused now is forgotten: the partner may send it again.
    """
    settings = present.settings()
    since = now - timedelta(days=settings.unbound_days)
    kept = cursor().execute(_TAKE_KEPT, (partner.id, text_array(subjects))).fetchall()
    events = [read_event(payload) for payload, received_at in kept if received_at >= since]
    return credit_events(partner, events, now=now, grace_days=settings.unbound_days) if events else []


class _Sorted(NamedTuple):
    """Events of a page, by what is to be done with them."""

    results: list[Result]
    """By place; what is not known yet is UNBOUND."""
    claims: dict[int, list[Claim]]
    repeats: list[tuple[int, Claim]]
    """Claims whose external id stands before in the page."""
    to_keep: dict[str, int]
    """External id → place of the event without a resident that is the first to bear it."""


def _credit(events: Sequence[Event], *, terms: _Terms) -> list[Result]:
    partner_id = terms.partner_id
    objections = {task: terms.objection(task) for task in {event.task for event in events}}
    refused = {task: Result("refused", reason) for task, reason in objections.items() if reason}
    owners = bindings.owners_of({event.subject for event in events if event.task not in refused}, partner_id=partner_id)
    results, claims, repeats, to_keep = _sorted(events, terms=terms, refused=refused, owners=owners)
    for judged in record_many(claims, settings=terms.settings, now=terms.now, repeats=repeats):
        results[judged.claim.place] = _result(judged)
    if not bindings.still_hold(((s, r) for s, r in owners.items() if r is not None), partner_id=partner_id):
        raise _MovedError
    _keep(to_keep, events, results, terms=terms)
    return results


def _sorted(events: Sequence[Event], *, terms: _Terms, refused: dict[str, Result], owners: bindings.Owners) -> _Sorted:
    results, claims, repeats, to_keep = _Sorted([UNBOUND] * len(events), defaultdict(list), [], {})
    repeated, caps = _repeated(events), caps_of(terms.settings)
    for place, event in enumerate(events):
        if event.task in refused:
            results[place] = refused[event.task]
            continue
        owner, claim = owners[event.subject], terms.claim_of(event, place)
        if owner is not None and place not in repeated:
            claims[owner].append(claim)
        elif owner is not None and event.external_id not in to_keep:
            repeats.append((owner, claim))
        else:
            results[place] = _without_resident(claim, terms=terms, caps=caps)
            if results[place] is UNBOUND and to_keep.setdefault(event.external_id, place) != place:
                results[place] = DUPLICATE
    return _Sorted(results, claims, repeats, to_keep)


def _repeated(events: Sequence[Event]) -> set[int]:
    """Places of events whose external id stands before."""
    ids = [event.external_id for event in events]
    if len(set(ids)) == len(ids):
        return set()
    first: dict[str, int] = {}
    return {place for place, external_id in enumerate(ids) if first.setdefault(external_id, place) != place}


def _result(judged: Judged) -> Result:
    outcome = judged.outcome
    if outcome.status == "credited":
        status = "capped" if outcome.capped_by else "credited"
        return Result(status, outcome.capped_by, outcome.co2e_mg, outcome.points, judged.resident_id)
    return Result(outcome.status, outcome.reason, resident_id=judged.resident_id)


def _keep(to_keep: dict[str, int], events: Sequence[Event], results: list[Result], *, terms: _Terms) -> None:
    """Keep events without a resident: those whose external id has not been taken."""
    if not to_keep:
        return
    kept = [events[place] for place in to_keep.values()]
    columns = zip(*[(event.external_id, event.subject, json.dumps(payload_of(event))) for event in kept], strict=True)
    new = cursor().execute(_KEEP, (terms.partner_id, terms.now, *map(text_array, columns))).fetchall()
    for external_id in to_keep.keys() - {row[0] for row in new}:
        results[to_keep[external_id]] = DUPLICATE


UNBOUND = Result("unbound")
DUPLICATE = Result("duplicate", "duplicate-action")
FAULT = Result("refused", "internal-error")
# An alarm looks whether it has grown, and a count that begins at its first one never has.
metrics.REFUSALS.labels(FAULT.reason)


def _without_resident(claim: Claim, *, terms: _Terms, caps: Caps) -> Result:
    """UNBOUND, but for what the rules refuse whoever it was."""
    rules = terms.catalogue.tasks[claim.task]
    outcome = decide(claim, rules, standing=Standing(0), caps=caps, now=terms.now)
    later = outcome.reason in LATER and rules.begun_at(claim.happened_at)
    refused = outcome.status == "refused" and not later
    return Result("refused", outcome.reason) if refused else UNBOUND


def _count_refusals(results: Iterable[Result]) -> None:
    reasons = Counter(result.reason or "" for result in results if result.status in {"refused", "duplicate"})
    for reason, times in reasons.items():
        metrics.REFUSALS.labels(reason).inc(times)
