"""A lively little city, made by the real services, in which everything that verify looks at has happened."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions.claim import Claim
from backend.actions.events import Event
from backend.actions.partner_feed import credit_events
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.database import db, transaction
from backend.leaderboard import rebuilding
from backend.leaderboard.boards import Board
from backend.leaderboard.periods import EVER, Period
from backend.partners import service as partners
from backend.partners.models import Binding
from backend.projector import service as projector
from backend.residents.models import Area
from backend.rewards import configuring, vouchers
from backend.verification import verify
from tests.asking import asked_by
from tests.verification.damages import change_behind_our_backs
from tests.verification.keeping import Kept
from tests.verification.lively_city import (
    be_reviewed,
    go_into_debt,
    let_points_expire,
    move,
    redeem_everything,
    ride_and_walk,
)

REWARD = {
    "title": {"zh": "x", "en": "Gift"},
    "description": {"zh": "", "en": ""},
    "images": [],
    "price_points": 10,
    "limit_per_resident": None,
    "limit_period": "ever",
    "on_sale_from": None,
    "on_sale_until": None,
    "min_level": "seed",
    "hold_days": 30,
    "active": True,
}


@pytest.fixture
def found(app):
    """found() → what verify yields now."""
    return lambda **options: list(verify(**options))


@pytest.fixture
def ride(app):
    """ride(30) → the claim of a bike ride that began so many hours ago."""

    def make(hours_ago, *, minutes=15, metres=2_000, **changes):
        began = clock.now() - timedelta(hours=hours_ago)
        given = {
            "task": "bike_ride",
            "tier": "declaration",
            "quantity_milli": metres * 1000,
            "unit": "m",
            "happened_at": began,
            "ended_at": began + timedelta(minutes=minutes),
            "day": clock.local_day(began),
        }
        return Claim(**{**given, **changes})

    return make


@pytest.fixture
def thing():
    """thing("own_bag", "photo", 30) → the claim of something done once, so many hours ago."""

    def make(task, tier, hours_ago, *, quantity=None, unit="count"):
        at = clock.now() - timedelta(hours=hours_ago)
        return Claim(
            task=task,
            tier=tier,
            quantity_milli=quantity,
            unit=unit,
            happened_at=at,
            ended_at=None,
            day=clock.local_day(at),
        )

    return make


@pytest.fixture
def do(app, settings):
    """do(resident, claim) records it alone; several claims, as a batch. Gives the number of the last action."""

    def record(resident, *claims, settings=settings):
        if len(claims) == 1:
            (judged,) = record_one(claims[0], **asked_by(resident.resident_id, settings=settings)).judged
        else:
            with transaction():
                *_, judged = record_many({resident.resident_id: list(claims)}, settings=settings, now=clock.now())
        assert judged.recorded, judged.outcome
        return judged.seq

    return record


@pytest.fixture
def reported(app):
    """reported(resident, hours_ago, …) credits bike rides that the partner `bikes` reports."""

    def report(resident, *hours_ago, metres=3_000):
        now = clock.now()
        subject = f"s{resident.resident_id}"
        starts = [now - timedelta(hours=hours) for hours in hours_ago]
        events = [
            Event(f"{subject}-{at:%d%H%M}", subject, "bike_ride", at, at + timedelta(minutes=20), metres * 1000, "m")
            for at in starts
        ]
        with transaction():
            partner = partners.find("bikes")
            db.session.merge(
                Binding(partner_id=partner.id, subject=subject, resident_id=resident.resident_id, bound_at=now)
            )
            db.session.flush()
            return Counter(result.status for result in credit_events(partner, events, now=now))

    return report


@pytest.fixture
def gift(app):
    """gift("pickup", stock=3) → the id of a reward for 10 points; vouchers get `stock` codes."""

    def make(kind, *, stock):
        wanted = {**REWARD, "code": f"gift-{kind}", "kind": kind, "stock": None if kind == "voucher" else stock}
        with transaction():
            reward_id = configuring.create(wanted, by="admin:test").id
            if kind == "voucher":
                codes = "\n".join(f"CODE-{place}" for place in range(stock))
                vouchers.load(reward_id=reward_id, text=codes, by="admin:test")
        return reward_id

    return make


@pytest.fixture(scope="session")
def kept():
    """What is made once and brought back for every further test."""
    return {}


@pytest.fixture
def city(app, kept, settings, request):
    """Ids of `anna`, `bert`, `cora`, `dora` and `emil`: projected and on boards, with a little left in the outbox."""
    if "city" in kept:
        kept["city"].bring_back()
    else:
        kept["ids"] = request.getfixturevalue("new_city")
        kept["city"] = Kept(settings.redis_url)
    return kept["ids"]


@pytest.fixture
def new_city(app, settings, new_resident, ride, thing, do, reported, gift):
    """The city, made step by step."""
    with transaction():
        titles = {"title": {"zh": "x", "en": "District"}, "kind": "district", "district_id": None}
        areas = [Area(code=f"d{place}", **titles) for place in (1, 2)]
        db.session.add_all(areas)
        db.session.flush()
        first, second = (area.id for area in areas)
    anna, bert, cora = (
        new_resident("anna", district_id=first),
        new_resident("bert", district_id=second),
        new_resident("cora"),
    )
    dora, emil = new_resident("dora", district_id=first), new_resident("emil")
    ride_and_walk(anna, bert, do=do, ride=ride, thing=thing, reported=reported)
    go_into_debt(cora, do=do, thing=thing, reported=reported, gift=gift)
    let_points_expire(emil, do=do, ride=ride, settings=settings)
    be_reviewed(dora, do=do, thing=thing)
    redeem_everything(anna, bert, gift=gift, settings=settings)
    projector.drain()
    list(rebuilding.rebuild())
    do(anna, thing("own_cup", "declaration", 3))
    projector.drain()
    move(dora, to=second, do=do, thing=thing)
    return {someone.nickname: someone.resident_id for someone in (anna, bert, cora, dora, emil)}


@pytest.fixture
def anna(city):
    """Her id."""
    return city["anna"]


@pytest.fixture
def one():
    """A number of the database."""
    return lambda sql, **values: db.session.scalar(text(sql), values)


@pytest.fixture
def key(city):
    """The key of the city's points board of all time."""
    return Board("points", Period("all", EVER)).key(db.session.scalar(text("SELECT epoch FROM board_state")))


@pytest.fixture
def damage(app):
    """damage(sql, **values): change the database behind everybody's back, past the trigger."""
    return change_behind_our_backs
