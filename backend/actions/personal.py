"""What actions hold that is personal: handed out on export, removed on erasure. The books themselves stay."""

from datetime import datetime

from sqlalchemy import null, update

from backend.actions.models import Action
from backend.database import db

HELD = {
    "actions": """
        SELECT a.seq, to_jsonb(a) - '{resident_id,task_id,partner_id,decided_by}'::text[]
            || jsonb_build_object('id', a.resident_id || '-' || a.seq, 'task', t.code, 'partner', p.code)
        FROM actions a JOIN green_tasks t ON t.id = a.task_id LEFT JOIN partners p ON p.id = a.partner_id
        WHERE a.resident_id = %(resident_id)s AND a.seq > coalesce(%(after)s::int, 0)
        ORDER BY a.seq LIMIT %(rows)s"""
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""


def erase(resident_id: int, *, now: datetime) -> None:
    """Remove evidence and the client's own references; what waits for a reviewer is refused.

    Expects the wallet locked.
    """
    mine = update(Action).where(Action.resident_id == resident_id)
    waiting = mine.where(Action.status == "pending")
    db.session.execute(
        waiting.values(status="refused", reason="account-cancelled", decided_at=now, decided_by="resident")
    )
    told = mine.where(Action.evidence.is_not(None) | Action.client_reference.is_not(None))
    db.session.execute(told.values(evidence=null(), client_reference=None))
