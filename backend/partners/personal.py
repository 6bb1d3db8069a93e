"""What partners' bindings hold that is personal: handed out on export, undone on erasure."""

from collections.abc import Sequence

from sqlalchemy import func, select

from backend.database import db
from backend.partners.bindings import release
from backend.partners.models import Binding

__all__ = ["HELD", "are_all", "lock", "release"]

HELD = {
    "bindings": """
        SELECT b.partner_id || ':' || b.subject,
            jsonb_build_object('partner', p.code, 'subject', b.subject, 'bound_at', b.bound_at)
        FROM bindings b JOIN partners p ON p.id = b.partner_id
        WHERE b.resident_id = %(resident_id)s
            AND b.partner_id || ':' || b.subject > coalesce(%(after)s::text, '')
        ORDER BY b.partner_id || ':' || b.subject LIMIT %(rows)s"""
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""


def lock(resident_id: int) -> Sequence[Binding]:
    """A resident's bindings at all partners, locked in order: before the wallet, as everywhere."""
    query = select(Binding).where(Binding.resident_id == resident_id)
    ordered = query.order_by(Binding.partner_id, Binding.subject.collate("C")).with_for_update()
    return db.session.scalars(ordered.execution_options(populate_existing=True)).all()


def are_all(held: Sequence[Binding], *, resident_id: int) -> bool:
    """Whether a resident has no binding but these, of which the wallet's lock makes sure for the transaction."""
    count = select(func.count()).select_from(Binding).where(Binding.resident_id == resident_id)
    return db.session.scalar(count) == len(held)
