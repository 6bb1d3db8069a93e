"""Versions of a reward: every redemption names the one whose price it paid."""

from datetime import datetime
from typing import Any

from backend import clock
from backend.database import db
from backend.rewards.models import Reward, RewardVersion

TERMS = (
    "title",
    "description",
    "images",
    "price_points",
    "limit_per_resident",
    "limit_period",
    "on_sale_from",
    "on_sale_until",
    "min_level",
    "hold_days",
    "active",
)
"""All of a reward that an admin may change. Stock is not among it: it moves without a version."""


def terms(reward: Reward) -> dict[str, Any]:
    """The reward's terms as they stand."""
    return {name: getattr(reward, name) for name in TERMS}


def keep(reward: Reward, *, by: str, now: datetime) -> None:
    """Keep the terms of the reward's present version for good."""
    kept = {
        name: clock.rfc3339(value) if isinstance(value, datetime) else value for name, value in terms(reward).items()
    }
    db.session.add(
        RewardVersion(reward_id=reward.id, version=reward.version, terms=kept, created_at=now, created_by=by)
    )
