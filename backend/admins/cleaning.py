"""Removing admins' stored answers that nobody will ask for again."""

from datetime import datetime

from backend.admins.models import AdminIdempotencyKey
from backend.web.idempotency import forget_answers


def forget_keys(*, before: datetime, limit: int) -> int:
    """Remove up to `limit` idempotency keys that were claimed before an instant; returns how many."""
    return forget_answers(AdminIdempotencyKey, before=before, limit=limit)
