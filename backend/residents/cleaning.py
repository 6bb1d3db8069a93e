"""Removing residents' stored answers that nobody will ask for again."""

from datetime import datetime

from backend.idempotency import forget_answers
from backend.residents.models import IdempotencyKey


def forget_keys(*, before: datetime, limit: int) -> int:
    """Remove up to `limit` idempotency keys that were claimed before an instant; returns how many."""
    return forget_answers(IdempotencyKey, before=before, limit=limit)
