"""What redemptions hold that is personal: handed out on export, removed on erasure."""

from datetime import datetime

from sqlalchemy import update

from backend import clock
from backend.database import cursor, db
from backend.rewards import deciding
from backend.rewards.models import Redemption
from backend.rewards.writing import USED, periods

HELD = {
    "redemptions": """
        SELECT d.seq, to_jsonb(d) - '{resident_id,reward_id,decided_by}'::text[]
            || jsonb_build_object('id', d.resident_id || '-' || d.seq, 'reward', w.code)
        FROM redemptions d JOIN rewards w ON w.id = d.reward_id
        WHERE d.resident_id = %(resident_id)s AND d.seq > coalesce(%(after)s::int, 0)
        ORDER BY d.seq LIMIT %(rows)s"""
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""
OPENED = ("delivery",)
"""Members of a redemption that are sealed at rest, and opened for whom they are about."""


_TAKEN = f"""
SELECT x.id::text, {USED.format(reward_id="x.id")}
FROM wallets w
JOIN residents r ON r.resident_id = w.resident_id
JOIN rewards x ON x.limit_per_resident IS NOT NULL
WHERE w.resident_id = %(resident_id)s
"""  # noqa: S608  the parts are ours


def taken(resident_id: int, *, now: datetime) -> dict[str, int]:
    """Rewards, by their numbers as text, of which the resident's pieces count against a limit now: how many."""
    db.session.flush()
    values = {"resident_id": resident_id, **periods(clock.local_day(now), clock.city_zone())}
    return {reward_id: pieces for reward_id, pieces in cursor().execute(_TAKEN, values) if pieces}


def erase(resident_id: int, *, now: datetime) -> None:
    """Remove names, phone numbers and addresses of deliveries, and call off what is reserved.

    It may wait for rewards, and holds them until the transaction ends: nothing that waits may follow.
    """
    told = update(Redemption).where(Redemption.resident_id == resident_id, Redemption.delivery.is_not(None))
    db.session.execute(told.values(delivery=None))
    deciding.cancel_all(resident_id, by="resident", reason="account-cancelled", now=now)
