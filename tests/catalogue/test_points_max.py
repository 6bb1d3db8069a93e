"""The most points that a task is said to earn is exactly the most that its rules can give."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue.rules import TIERS, TaskRules, evidence_rule

ENDLESS = 10**9
"""More than any rule below gives, unless grams alone decide."""
GRAMS = (0, 1, 999, 10**16)


def task(*evidence, max_milli=20_000, counted_max_milli=None):
    nothing = dict.fromkeys(TaskRules.__dataclass_fields__)
    rules = {raw["tier"]: evidence_rule(raw) for raw in evidence}
    return TaskRules(**{**nothing, "max_milli": max_milli, "counted_max_milli": counted_max_milli, "evidence": rules})


def rule(basis, points, **more):
    return {"tier": "declaration", "basis": basis, "points": points, "per": 1, **more}


def tried_out(rules):
    """The best of all whole quantities, and the largest, with few and with very many grams."""
    best = 0
    for each in rules.evidence.values():
        largest = min(rules.max_milli, each.quantity_max_milli or rules.max_milli)
        quantities = {*range(0, largest, 1000), largest}
        for quantity, co2e_mg in product(quantities, GRAMS):
            best = max(best, each.points_for(counted_milli=rules.counted(quantity), co2e_mg=co2e_mg))
    return best if best < ENDLESS else None


points = st.integers(0, 1000)
worth = st.fixed_dictionaries(
    {
        "basis": st.sampled_from(["fixed", "quantity", "co2e"]),
        "points": points,
        "per": st.integers(1, 10_000),
        "min": points,
        "max": st.none() | points,
        "share_percent": st.integers(0, 100),
        "quantity_max": st.none() | st.integers(1, 20),
    }
)


@given(
    worths=st.lists(worth, min_size=1, max_size=len(TIERS)),
    max_milli=st.integers(1, 20_000),
    counted=st.none() | st.integers(1, 20_000),
)
def test_no_rule_gives_more_and_one_gives_as_much(worths, max_milli, counted):
    evidence = [{**each, "tier": tier} for each, tier in zip(worths, TIERS, strict=False)]
    rules = task(*evidence, max_milli=max_milli, counted_max_milli=counted)
    assert rules.points_max() == tried_out(rules)


@pytest.mark.parametrize(
    ("evidence", "most"),
    [
        (rule("fixed", 5, share_percent=50), 2),
        (rule("fixed", 5, min=8), 8),
        (rule("fixed", 5, max=3), 3),
        (rule("co2e", 1, max=60, share_percent=50), 30),
        (rule("co2e", 0, max=60, min=4), 4),
        (rule("co2e", 1), None),
        (rule("quantity", 1, max=60), 20),
        (rule("quantity", 1, max=15), 15),
        (rule("quantity", 1, quantity_max=12), 12),
    ],
)
def test_least_most_and_share_of_a_rule_count(evidence, most):
    assert task(evidence).points_max() == most


def test_where_one_tier_has_no_limit_there_is_none():
    assert task(rule("fixed", 5), {**rule("co2e", 1), "tier": "partner"}).points_max() is None
