"""What partners' bindings hold that is personal: handed out on export, removed on erasure."""

from sqlalchemy import delete

from backend.database import db
from backend.partners.models import Binding

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


def unbind(resident_id: int) -> None:
    """Forget which partners' users are this resident: what comes for them later is nobody's."""
    db.session.execute(delete(Binding).where(Binding.resident_id == resident_id))
