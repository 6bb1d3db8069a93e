"""What tests of a resident's own pages do all the time."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from backend import clock
from backend.actions.claim import Claim
from backend.actions.record_many import record_many
from backend.database import db, transaction
from backend.ledger import service as ledger
from backend.residents.models import Area
from tests.account.person import NOON, Person


@pytest.fixture
def me(app, client, resident, headers):
    """me(method, path, …) → the answer to the resident's own request."""

    def call(method, path="/me", **more):
        more["headers"] = {"Accept-Language": "en", **headers(resident), **more.get("headers", {})}
        with app.app_context():  # a new one, as each request has: the language is kept in it
            return client.open(f"/api/v1{path}", method=method, **more)

    return call


@pytest.fixture
def earn(resident, settings):
    """earn(task, hours_ago=…) records an action of the resident as a partner would."""

    def record(task="no_cutlery", *, hours_ago=1, tier="partner", quantity=1, unit="count", by=None, **more):
        happened_at = clock.now() - timedelta(hours=hours_ago)
        claim = Claim(
            task=task,
            tier=tier,
            quantity_milli=quantity * 1000,
            unit=unit,
            happened_at=happened_at,
            ended_at=None,
            day=clock.local_day(happened_at),
            max_age_days=400,
            **more,
        )
        owner = (by or resident).resident_id
        with transaction():
            (judged,) = record_many({owner: [claim]}, settings=settings, now=clock.now())
        return judged

    return record


@pytest.fixture
def give(resident, settings):
    """give(points) posts an adjustment, of a number that none has whom two admins agreed on."""
    numbers = iter(range(10_001, 20_000))

    def adjust(points, *, to=None, now=None):
        with transaction():
            wallet = ledger.lock_wallet((to or resident).resident_id)
            reference = ledger.Reference("adjustment", next(numbers))
            ledger.adjust(wallet, points=points, reference=reference, now=now or clock.now(), settings=settings)

    return adjust


@pytest.fixture
def areas(app):
    """Two districts with a community each."""
    with transaction():
        for code, title in (("east", "East"), ("west", "West")):
            district = Area(code=code, kind="district", title={"zh": f"{code}-zh", "en": title})
            db.session.add(district)
            db.session.flush()
            db.session.add(
                Area(
                    code=f"{code}-1",
                    kind="community",
                    district_id=district.id,
                    title={"zh": code, "en": f"{title} 1"},
                )
            )


@pytest.fixture
def travel():
    """It is noon, until a test says otherwise: travel.move_to(instant)."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def lin(app, travel):
    """A person who has signed in, at NOON."""
    person = Person(app)
    person.come()
    return person


@pytest.fixture
def set_to(app, monkeypatch):
    """set_to(points_cap_year=9, …): the city's settings, until the test is over."""

    def change(**changes):
        monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], **changes))

    return change
