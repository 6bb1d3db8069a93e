"""Scenes of two participants, and what every schedule of them comes to."""

import os
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import pytest

from backend import clock
from backend.database import db, transaction
from backend.ledger import adjusting
from backend.verification import verify
from tests.interleaving import every_schedule
from tests.partners.conftest import bikes, proof, ride, signed_headers  # noqa: F401
from tests.projections import Deeds
from tests.rewards.conftest import (  # noqa: F401
    _books_add_up_after_each_test,
    balance,
    new_reward,
    redeem,
    stock,
)

THOROUGH = os.environ.get("RACES") == "long"
"""Whether the second is stopped at each of its points too, everywhere and not only where that is quick."""
_names = count(1)


class Scene(NamedTuple):
    """Two calls that get into each other's way, and a call that says how things stand after them."""

    first: Any
    second: Any
    after: Any


@pytest.fixture
def outcomes(app):
    """outcomes(make_scene) → how often each (first, second, how things stand) came of all schedules there are.

    When they are through, verify must find nothing: all scenes are in the database still.
    """

    def sweep(make_scene, *, both=THOROUGH):
        found = Counter()
        for raced, scene in every_schedule(app, make_scene, both=both):
            db.session.rollback()
            found[raced.first, raced.second, scene.after()] += 1
        db.session.rollback()
        assert list(verify()) == []
        return found

    return sweep


@pytest.fixture
def somebody(new_resident):
    """somebody() → a new resident with a name of their own."""
    return lambda **columns: new_resident(f"r{next(_names)}", **columns)


@pytest.fixture
def give(app):
    """give(resident, 100) has points adjusted as two admins would; they are good for so many months."""

    def adjust(resident, points, *, valid_months=24):
        usual = app.extensions["settings"]
        app.extensions["settings"] = replace(usual, points_valid_months=valid_months)
        with transaction():
            asked = adjusting.request(resident_id=resident.resident_id, points=points, reason="test", by="admin:one")
            adjusting.approve(adjusting.AdjustmentId(asked.resident_id, asked.id), by="admin:two")
        app.extensions["settings"] = usual

    return adjust


@pytest.fixture
def deeds(app, settings):
    """Records deeds of residents."""
    return Deeds(settings)


@pytest.fixture
def told(app):
    """told(lambda: client.post(…)) → a call that gives `done` or the type of the problem."""

    def wrap(send):
        def call():
            answer = send()
            return "done" if answer.status_code < 300 else answer.json["type"]

        return call

    return wrap


@pytest.fixture
def doing(app):
    """doing(lambda: cancel(…)) → a call that does it in a transaction; gives `done`, or what is refused."""

    def wrap(service):
        def call():
            with transaction():
                service()
            return "done"

        return call

    return wrap


@pytest.fixture
def later():
    """A moment at which everything that can expire has."""
    return clock.now().replace(year=clock.now().year + 9, day=1)
