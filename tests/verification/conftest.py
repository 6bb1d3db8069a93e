"""A lively little city, made by the real services, in which everything that verify looks at has happened."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions import reversing, reviewing
from backend.actions.claim import Claim
from backend.actions.events import Event
from backend.actions.partner_feed import credit_events
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.catalogue import service as catalogue
from backend.database import db, transaction
from backend.idempotency import Request
from backend.leaderboard import rebuilding
from backend.leaderboard.boards import Board
from backend.leaderboard.moving import moved
from backend.leaderboard.periods import EVER, Period
from backend.ledger import adjusting
from backend.ledger import service as ledger
from backend.partners import service as partners
from backend.partners.models import Binding
from backend.projector import service as projector
from backend.residents.auth import Caller
from backend.residents.models import Area, Resident
from backend.rewards import configuring, deciding, redeeming, vouchers
from backend.verification import verify
from tests.verification.damages import change_behind_our_backs
from tests.verification.keeping import Kept

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
        now = clock.now()
        if len(claims) == 1:
            judged = record_one(
                claims[0],
                caller=Caller(resident.resident_id, 0),
                settings=settings,
                now=now,
                request=Request("", ""),
                render=lambda judged, _standing: {},
            ).judged
        else:
            with transaction():
                everything = {resident.resident_id: list(claims)}
                *_, judged = record_many(everything, catalogue=catalogue.current(), settings=settings, now=now)
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
    _ride_and_walk(anna, bert, do=do, ride=ride, thing=thing, reported=reported)
    _go_into_debt(cora, do=do, thing=thing, reported=reported, gift=gift)
    _let_points_expire(emil, do=do, ride=ride, settings=settings)
    _be_reviewed(dora, do=do, thing=thing)
    _redeem_everything(anna, bert, gift=gift, settings=settings)
    projector.drain()
    list(rebuilding.rebuild())
    do(anna, thing("own_cup", "declaration", 3))
    projector.drain()
    _move(dora, to=second, do=do, thing=thing)
    return {someone.nickname: someone.resident_id for someone in (anna, bert, cora, dora, emil)}


def _ride_and_walk(anna, bert, *, do, ride, thing, reported):
    for hours in (30, 54, 78):
        do(anna, ride(hours), thing("own_bag", "declaration", hours))
    do(bert, thing("walk_steps", "device", 30, quantity=40_000_000, unit="steps"))
    do(bert, ride(40, metres=20_000, minutes=90))
    assert reported(anna, 6, 5, 30, 55) == {"credited": 4}  # the one 30 hours ago takes a declared ride's place
    assert reported(bert, *range(6, 12), metres=7_000)["capped"] >= 1


def _go_into_debt(cora, *, do, thing, reported, gift):
    reported(cora, 40, 42)
    seq = do(cora, thing("own_bag", "declaration", 31))
    given = gift("donation", stock=9)
    with transaction():
        redeeming.redeem(resident_id=cora.resident_id, reward_id=given, quantity=4)
    for number in (1, seq):
        with transaction():
            reversing.reverse(resident_id=cora.resident_id, seq=number, reason="test", by="admin:test", now=clock.now())
    do(cora, thing("own_bag", "declaration", 30))


def _let_points_expire(emil, *, do, ride, settings):
    do(emil, ride(10), settings=replace(settings, points_valid_months=-2))
    do(emil, ride(40))
    with transaction():
        wallet = ledger.lock_wallet(emil.resident_id)
        assert ledger.expire(wallet, today=clock.local_day(clock.now()), now=clock.now()) == 9


def _be_reviewed(dora, *, do, thing):
    accepted, refused, _waiting = (do(dora, thing("clean_plate", "photo", hours)) for hours in (30, 54, 78))
    with transaction():
        reviewing.accept(resident_id=dora.resident_id, seq=accepted, by="admin:test", now=clock.now())
    with transaction():
        reviewing.refuse(resident_id=dora.resident_id, seq=refused, reason="dark", by="admin:test", now=clock.now())


def _redeem_everything(anna, bert, *, gift, settings):
    picked_up, coded = gift("pickup", stock=5), gift("voucher", stock=3)
    seqs = []
    for resident, reward_id in ((anna, picked_up), (anna, picked_up), (anna, picked_up), (bert, coded)):
        with transaction():
            done = redeeming.redeem(resident_id=resident.resident_id, reward_id=reward_id, quantity=1)
            seqs.append(done.redemption.seq)
    with transaction():
        deciding.cancel(anna.resident_id, seqs[0], by="resident")
    with transaction():
        deciding.fulfil(anna.resident_id, seqs[1], by="admin:test")
    with transaction():
        asked = adjusting.request(resident_id=bert.resident_id, points=-3, reason="test", by="admin:one")
        which = adjusting.AdjustmentId(asked.resident_id, asked.id)
    with transaction():
        adjusting.approve(which, by="admin:two")


def _move(dora, *, to, do, thing):
    """Something on the same day before and after moving; what comes after is not projected."""
    do(dora, thing("own_cup", "declaration", 2))
    projector.drain()
    with transaction():
        db.session.get(Resident, dora.resident_id).district_id = to
        moved(dora.resident_id, now=clock.now())
    do(dora, thing("own_bag", "declaration", 2))
    projector.drain()
    do(dora, thing("own_cup", "declaration", 1))


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
