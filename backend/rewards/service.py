"""The rewards that a fresh site starts with. The verbs stand in files of their own."""

from typing import Any

from sqlalchemy import select

from backend import clock
from backend.database import db
from backend.rewards import stocking, versions
from backend.rewards.models import Reward


def add_defaults(rows: list[dict[str, Any]], *, by: str) -> int:
    """Add the rewards that are not there yet, by their code; returns how many."""
    now = clock.now()
    known = set(db.session.scalars(select(Reward.code)))
    missing = [row for row in rows if row["code"] not in known]
    for row in missing:
        reward = Reward(**row, active=True, version=1, created_at=now)
        db.session.add(reward)
        db.session.flush()
        versions.keep(reward, by=by, now=now)
        stocking.record(reward, delta=reward.stock or 0, reason="initial stock", by=by, now=now)
    return len(missing)
