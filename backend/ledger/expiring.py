"""Expiring what is due, of many residents."""

from datetime import datetime

from sqlalchemy import select

from backend import clock
from backend.database import db
from backend.ledger import service
from backend.ledger.models import Lot


def expire_due(*, now: datetime, limit: int) -> int:
    """Post the expiry of all due lots of up to `limit` residents; returns of how many.

    Wallets are locked in order of the residents' ids, as everywhere: so no two of us can wait for each other.
    """
    today = clock.local_day(now)
    due = select(Lot.resident_id).where(Lot.expires_on < today, Lot.remaining > 0)
    owners = db.session.scalars(due.distinct().order_by(Lot.resident_id).limit(limit)).all()
    for owner in owners:
        service.expire(service.lock_wallet(owner), today=today, now=now)
    db.session.flush()
    return len(owners)
