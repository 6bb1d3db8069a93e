"""Removing nonces whose timestamps would not be accepted any more."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_

from backend.database import db
from backend.partners.auth import MAX_SKEW_S
from backend.partners.models import PartnerNonce

NONCES_KEPT = timedelta(seconds=3 * MAX_SKEW_S)
"""How long a nonce is remembered: more than twice the skew.

A request may come the whole skew before its timestamp, and the same one again until the whole skew after it.
"""


def forget_nonces(*, before: datetime, limit: int) -> int:
    """Remove up to `limit` nonces that were used before an instant; returns how many."""
    old = select(PartnerNonce.partner_id, PartnerNonce.nonce).where(PartnerNonce.used_at < before).limit(limit)
    keys = [tuple(row) for row in db.session.execute(old)]
    db.session.execute(delete(PartnerNonce).where(tuple_(PartnerNonce.partner_id, PartnerNonce.nonce).in_(keys)))
    return len(keys)
