"""What an admin may change of a reward: each change of each term is a version of its own, and in the trail."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from backend import clock
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.rewards import configuring
from backend.rewards.models import RewardVersion
from backend.rewards.versions import TERMS

OTHER = {
    "title": {"zh": "x", "en": "Other"},
    "description": {"zh": "x", "en": "Other"},
    "images": ["https://example.test/other.png"],
    "price_points": 90,
    "limit_per_resident": 3,
    "limit_period": "month",
    "on_sale_from": datetime(2026, 12, 1, tzinfo=UTC),
    "on_sale_until": datetime(2027, 12, 1, tzinfo=UTC),
    "min_level": "sprout",
    "hold_days": 7,
    "active": False,
}


def test_no_term_is_forgotten_here():
    assert set(OTHER) == set(TERMS)


@pytest.mark.parametrize("term", OTHER)
def test_a_change_of_any_term_is_a_version_of_its_own(new_reward, term):
    reward = new_reward(stock=1)
    with transaction():
        changed = configuring.change(reward.id, {term: OTHER[term]}, expected=1, by="admin:test")
        assert (changed.version, getattr(changed, term)) == (2, OTHER[term])
    as_kept = clock.rfc3339(OTHER[term]) if isinstance(OTHER[term], datetime) else OTHER[term]
    kept = select(RewardVersion).where(RewardVersion.reward_id == reward.id).order_by(RewardVersion.version)
    assert [row.terms[term] == as_kept for row in db.session.scalars(kept)] == [False, True]
    of_it = AuditRow.object_id == reward.code, AuditRow.action == "reward.changed"
    assert db.session.scalar(select(AuditRow.after).where(*of_it)).keys() == {term, "version"}
