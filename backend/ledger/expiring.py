"""Expiring what is due, of many residents.

A lot whose last day has passed is closed, so that nobody looks at it again: past lots only ever become more.
"""

from datetime import datetime

from sqlalchemy import select, tuple_, update

from backend import clock
from backend.database import db
from backend.ledger import service
from backend.ledger.models import Lot


def expire_due(*, now: datetime, limit: int) -> int:
    """Post the expiry of all due lots of up to `limit` residents; returns of how many.

    Wallets are locked in order of the residents' ids, as everywhere: so no two of us can wait for each other.
    """
    today = clock.local_day(now)
    due = select(Lot.resident_id).where(Lot.expires_on < today, ~Lot.closed, Lot.remaining > 0)
    owners = db.session.scalars(due.distinct().order_by(Lot.resident_id).limit(limit)).all()
    for owner in owners:
        service.expire(service.lock_wallet(owner), today=today, now=now)
    db.session.flush()
    return len(owners)


def close_spent(*, now: datetime, limit: int) -> int:
    """Close up to `limit` due lots of which nothing is left; returns how many.

    Needs no wallet's lock: points come only into lots of days to come, so an empty one of the past stays empty.
    """
    key = (Lot.resident_id, Lot.expires_on)
    spent = select(*key).where(Lot.expires_on < clock.local_day(now), ~Lot.closed, Lot.remaining == 0).limit(limit)
    done = update(Lot).where(tuple_(*key).in_(spent)).values(closed=True).returning(Lot.resident_id)
    return len(db.session.scalars(done.execution_options(synchronize_session=False)).all())
