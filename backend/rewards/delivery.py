"""Where physical rewards go: name, phone and address, sealed at rest and kept no longer than needed."""

import json
from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select, tuple_, update

from backend import sealing
from backend.database import db
from backend.errors import ValidationFailedError
from backend.rewards.models import Redemption, Reward


def sealed_for(reward: Reward, given: Mapping[str, str] | None) -> str | None:
    """The delivery as it is stored; raises ValidationFailedError where one is missing, or not wanted."""
    if reward.kind == "physical" and given is None:
        raise ValidationFailedError.of({"delivery": gettext("Say where to send it: name, phone, address.")})
    if reward.kind != "physical" and given is not None:
        raise ValidationFailedError.of({"delivery": gettext("Nothing is sent for this reward: leave this out.")})
    return None if given is None else sealing.seal(json.dumps(dict(given), ensure_ascii=False))


def opened(redemption: Redemption) -> dict[str, str] | None:
    """The delivery in the clear; None where there is none, or none any more."""
    if redemption.delivery is None:
        return None
    found: dict[str, str] = json.loads(sealing.unseal(redemption.delivery))
    return found


def forget(*, decided_before: datetime, limit: int) -> int:
    """Remove up to `limit` deliveries of redemptions decided before an instant; returns how many."""
    due = (
        select(Redemption.resident_id, Redemption.seq)
        .where(Redemption.status != "reserved", Redemption.delivery.is_not(None))
        .where(Redemption.decided_at < decided_before)
        .order_by(Redemption.decided_at)
        .limit(limit)
    )
    keys = [tuple(row) for row in db.session.execute(due)]
    gone = update(Redemption).where(tuple_(Redemption.resident_id, Redemption.seq).in_(keys))
    db.session.execute(gone.values(delivery=None))
    return len(keys)
