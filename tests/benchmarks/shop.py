"""A reward to rush at, and residents with points."""

from itertools import count

from backend import clock
from backend.database import transaction
from backend.rewards import configuring
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench

PRICE = 100
_numbers = count(1)

# As an approved adjustment leaves them.
_POINTS = (
    """
UPDATE wallets SET balance = %(points)s, adjusted = %(points)s, entry_seq = 1, version = 1
WHERE resident_id BETWEEN %(first)s AND %(last)s
""",
    """
INSERT INTO ledger_entries (resident_id, seq, kind, contra, points, balance_after, reference_kind, reference_id,
    posted_at)
SELECT n, 1, 'adjust', 'adjustment', %(points)s, %(points)s, 'adjustment', 1, now()
FROM generate_series(%(first)s::int, %(last)s::int) n
""",
    """
INSERT INTO lots (resident_id, expires_on, remaining)
SELECT n, %(expires_on)s, %(points)s FROM generate_series(%(first)s::int, %(last)s::int) n
""",
)


def new_reward(*, stock: int) -> int:
    """The id of a new reward to pick up, one a month for each resident."""
    code = f"bench_{next(_numbers)}"
    with transaction():
        reward = configuring.create(
            {
                "code": code,
                "kind": "pickup",
                "stock": stock,
                "title": {"zh": code, "en": code},
                "description": {"zh": "", "en": ""},
                "images": [],
                "price_points": PRICE,
                "limit_per_resident": 1,
                "limit_period": "month",
                "on_sale_from": None,
                "on_sale_until": None,
                "min_level": "seed",
                "hold_days": 30,
                "active": True,
            },
            by="bench",
        )
    return reward.id


def residents_with_points(bench: Bench, size: int) -> Group:
    """New residents who can afford two of it."""
    group = bench.population.group(size)
    expires_on = clock.end_of_month_after(clock.local_day(clock.now()), months=24)
    values = {"points": 2 * PRICE, "expires_on": expires_on, "first": group.first, "last": group.first + group.size - 1}
    with bench.site.connect() as connection:
        for statement in _POINTS:
            connection.execute(statement, values)
    return group
