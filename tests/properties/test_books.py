"""Whatever is done to a small city in whatever order: after each step every invariant holds."""

import os
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from backend import clock, defaults
from backend.database import transaction
from backend.partners import service as partners
from backend.rewards import configuring, vouchers
from tests.emptying import empty
from tests.properties.effects import booked, told
from tests.properties.small_city import SmallCity

STEPS = 100
"""An example has at most."""
LONG = os.environ.get("PROPERTIES") == "long"
EXAMPLES = 270 if LONG else 27
AT_LEAST = 20_000 if LONG else 2_000
GIFT = {
    "title": {"zh": "x", "en": "Gift"},
    "description": {"zh": "", "en": ""},
    "images": [],
    "price_points": 6,
    "limit_per_resident": None,
    "limit_period": "ever",
    "on_sale_from": None,
    "on_sale_until": None,
    "min_level": "seed",
    "hold_days": 30,
    "active": True,
}
GIFTS = (
    {"code": "mug", "kind": "pickup", "stock": 9, "limit_per_resident": 3, "limit_period": "month"},
    {"code": "ticket", "kind": "voucher", "stock": None},
    {"code": "tree", "kind": "donation", "stock": None, "price_points": 1},
)


@pytest.fixture
def world(app, settings, new_resident):
    """How a small city begins: nobody, three gifts of which there is little, a partner with a key."""

    def anew():
        empty(app)
        with transaction():
            defaults.load()

    def gifts():
        with transaction():
            made = [configuring.create({**GIFT, **more}, by="admin:one").id for more in GIFTS]
            vouchers.load(reward_id=made[1], text="\n".join(f"CODE-{number}" for number in range(5)), by="admin:one")
        return made

    def partner():
        with transaction():
            return partners.new_key(partners.find("bikes"), now=clock.now())[1]

    def newcomer():
        return new_resident().resident_id

    return SimpleNamespace(settings=settings, empty=anew, gifts=gifts, partner=partner, newcomer=newcomer)


@pytest.mark.slow
def test_whatever_happens_the_books_add_up(world, capsys):
    machine = type("City", (SmallCity,), {"world": world, "steps": 0, "effects": Counter()})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not LONG,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
        ),
    )
    with capsys.disabled():
        sys.stdout.write(f" {machine.steps:,} steps, every invariant after each; they came to {told(machine.effects)} ")
    assert machine.steps >= AT_LEAST
    assert not booked().keys() - machine.effects.keys(), "the steps came to none of these"
