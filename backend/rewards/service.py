"""Rewards."""

from typing import Any

from sqlalchemy import select

from backend import clock
from backend.database import db
from backend.rewards.models import Reward


def add_defaults(rows: list[dict[str, Any]], *, by: str) -> int:
    """Add the rewards that are not there yet, by their code; returns how many."""
    known = set(db.session.scalars(select(Reward.code)))
    missing = [row for row in rows if row["code"] not in known]
    db.session.add_all([Reward(**row, active=True, version=1, created_at=clock.now()) for row in missing])
    return len(missing)
