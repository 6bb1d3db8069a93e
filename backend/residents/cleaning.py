"""Removing what has served its time: stored answers, changes of before every token, former homes, who left long ago."""

from datetime import datetime, timedelta

from backend import clock, present
from backend.residents import changes, departures, homes
from backend.residents.models import IdempotencyKey
from backend.web.idempotency import forget_answers


def forget_keys(*, before: datetime, limit: int) -> int:
    """Remove up to `limit` idempotency keys that were claimed before an instant; returns how many."""
    return forget_answers(IdempotencyKey, before=before, limit=limit)


def forget_changes(*, now: datetime, limit: int) -> int:
    """Remove up to `limit` of the changes that no valid token is older than; returns how many."""
    token_days = present.settings().token_days
    return changes.forget(before=now - changes.kept_for(token_days), limit=limit)


def forget_departures(*, now: datetime, limit: int) -> int:
    """Remove up to `limit` of those who left and whose time is over; returns how many."""
    return departures.forget(today=clock.local_day(now), limit=limit)


def forget_moves(*, now: datetime, limit: int) -> int:
    """Remove up to `limit` of the moves that no board which is still to be settled goes by; returns how many."""
    kept = timedelta(days=present.settings().settle_grace_days + homes.KEPT_DAYS)
    return homes.forget(before=clock.local_day(now) - kept, limit=limit)
