"""Expiring everything that is due, as the job does."""

from backend.database import transaction
from backend.ledger import expiring

EVERYTHING = 10_000


def expire_everything(*, now):
    """Look up what is due and expire it, each in a transaction; of how many lots points were posted."""
    with transaction():
        due = expiring.find_due(now=now, limit=EVERYTHING)
    if not due:
        return 0
    with transaction():
        return expiring.expire(due, now=now).posted
