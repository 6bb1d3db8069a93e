"""Expiring everything that is due, as the jobs do."""

from backend.database import transaction
from backend.ledger import expiring
from backend.rewards import deciding

EVERYTHING = 10_000


def expire_everything(*, now):
    """Look up what is due and expire it, each in a transaction; of how many lots points were posted."""
    with transaction():
        due = expiring.find_due(now=now, limit=EVERYTHING)
    if not due:
        return 0
    with transaction():
        return expiring.expire(due, now=now).posted


def call_off_overdue(now, limit):
    """Look up redemptions that were not collected in time and call them off, in the present transaction; how many."""
    return deciding.expire_all(deciding.find_overdue(now=now, limit=limit), now=now)
