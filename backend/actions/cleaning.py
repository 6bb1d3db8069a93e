"""Forgetting partners' users whom nobody here has become: events that waited too long, then the subjects themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend import present
from backend.database import array, cursor, text_array, unhurried

_FORGET = """
WITH old AS (
    SELECT partner_id, external_id FROM external_events WHERE resident_id IS NULL AND received_at < %s
    ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED)
DELETE FROM external_events e USING old WHERE e.partner_id = old.partner_id AND e.external_id = old.external_id
"""
"""What a binding is just taking stays: waiting for it while we hold others that it wants would be for ever."""
_IS_UNUSED = """
b.resident_id IS NULL AND NOT EXISTS (
    SELECT FROM external_events e
    WHERE e.partner_id = b.partner_id AND e.subject = b.subject AND e.resident_id IS NULL)
"""
_FIND = f"SELECT b.partner_id, b.subject FROM bindings b WHERE {_IS_UNUSED} LIMIT %s"  # noqa: S608  the parts are ours
_THESE = "unnest(%s::int[], %s::text[]) AS d (partner_id, subject)"
_LOCK = f"""
SELECT b.partner_id, b.subject FROM bindings b JOIN {_THESE} USING (partner_id, subject)
WHERE b.resident_id IS NULL FOR UPDATE OF b SKIP LOCKED
"""  # noqa: S608  the parts are ours
_REMOVE = f"""
DELETE FROM bindings b USING {_THESE}
WHERE b.partner_id = d.partner_id AND b.subject = d.subject AND {_IS_UNUSED}
"""  # noqa: S608  the parts are ours


def forget_unbound(*, now: datetime, limit: int) -> int:
    """Drop up to `limit` events whose subjects nobody has bound within UNBOUND_DAYS; returns how many."""
    settings = present.settings()
    return cursor().execute(_FORGET, (now - timedelta(days=settings.unbound_days), limit)).rowcount


def forget_subjects(*, limit: int) -> int:
    """Drop up to `limit` subjects that nobody has bound and no event waits for; returns how many.

    Whoever is just storing an event of a subject, or binding it, has its row locked, and keeps it. What was stored
    before we had the lock is seen by the last statement: each has a look of its own.
    """
    unhurried()
    sql = cursor()
    found = sql.execute(_FIND, (limit,)).fetchall()
    ours = sql.execute(_LOCK, _columns(found)).fetchall()
    return sql.execute(_REMOVE, _columns(ours)).rowcount


def _columns(keys: Sequence[tuple[int, str]]) -> tuple[str, str]:
    return array(partner_id for partner_id, _ in keys), text_array(subject for _, subject in keys)
