"""What has come of the steps, by kind: a step may be refused, and a run whose steps are all refused shows nothing."""

from collections import Counter

from sqlalchemy import text

from backend.database import db

BOOKED = """
SELECT 'award', count(*) FROM ledger_entries WHERE kind = 'award'
UNION ALL SELECT 'reversal', count(*) FROM ledger_entries WHERE kind = 'reversal'
UNION ALL SELECT 'adjustment', count(*) FROM ledger_entries WHERE kind = 'adjust'
UNION ALL SELECT 'expiry of points', count(*) FROM ledger_entries WHERE kind = 'expire'
UNION ALL SELECT 'hold', count(*) FROM holds
UNION ALL SELECT 'capture', count(*) FROM holds WHERE state = 'captured'
UNION ALL SELECT 'release', count(*) FROM holds WHERE state = 'released'
UNION ALL SELECT 'redemption of a ' || w.kind, (SELECT count(*) FROM redemptions d WHERE d.reward_id = w.id)
    FROM rewards w WHERE w.code IN ('mug', 'ticket', 'tree')
UNION ALL SELECT 'hand-over', count(*) FROM redemptions WHERE decided_by = 'admin:one' AND status = 'fulfilled'
UNION ALL SELECT 'cancel', count(*) FROM redemptions WHERE status = 'cancelled' AND reason IS NULL
UNION ALL SELECT 'expiry of a redemption', count(*) FROM redemptions WHERE status = 'expired'
UNION ALL SELECT 'photo accepted', count(*) FROM actions
    WHERE tier = 'photo' AND status IN ('credited', 'reversed') AND decided_by = 'admin:one'
UNION ALL SELECT 'photo refused', count(*) FROM actions WHERE status = 'refused' AND decided_by = 'admin:one'
UNION ALL SELECT 'trip reported', count(*) FROM external_events WHERE action_seq IS NOT NULL
UNION ALL SELECT 'trip kept', count(*) FROM external_events WHERE action_seq IS NULL
UNION ALL SELECT 'binding', count(*) FROM bindings WHERE resident_id IS NOT NULL
UNION ALL SELECT 'freezing', count(*) FROM audit_log WHERE action = 'resident.frozen'
UNION ALL SELECT 'unfreezing', count(*) FROM audit_log WHERE action = 'resident.unfrozen'
UNION ALL SELECT 'stock movement', count(*) FROM stock_movements WHERE reason = 'counted'
UNION ALL SELECT 'erasure', count(*) FROM residents WHERE state = 'erased'
"""


def booked() -> Counter:
    """How often each kind of effect is in the books at this moment; every kind is named, also one that is not there."""
    found = Counter(dict(tuple(row) for row in db.session.execute(text(BOOKED))))
    db.session.rollback()
    return found


def told(effects: Counter) -> str:
    """The same in a line."""
    return ", ".join(f"{number:,} × {name}" for name, number in effects.most_common())
