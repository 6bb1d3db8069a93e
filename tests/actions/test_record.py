"""Recording actions, one and many: the same rules, exact books."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions.claim import Claim
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.catalogue import service as catalogue
from backend.database import db, transaction
from backend.idempotency import Request
from backend.residents.auth import Caller


@pytest.fixture
def ride():
    def make(hours_ago=10, *, minutes=15, **changes):
        began = clock.now() - timedelta(hours=hours_ago)
        given = {
            "task": "bike_ride",
            "tier": "partner",
            "quantity_milli": 2_000_000,
            "unit": "m",
            "happened_at": began,
            "ended_at": began + timedelta(minutes=minutes),
            "day": clock.local_day(began),
        }
        return Claim(**{**given, **changes})

    return make


def one(claim, *, resident, settings, key=""):
    return record_one(
        claim,
        caller=Caller(resident.resident_id, 0),
        settings=settings,
        now=clock.now(),
        request=Request(key, "hash"),
        render=lambda judged, _standing: {"seq": judged.seq, "points": judged.outcome.points},
    )


def many(claims, *, resident, settings):
    with transaction():
        return record_many(
            {resident.resident_id: claims}, catalogue=catalogue.current(), settings=settings, now=clock.now()
        )


def books(resident):
    query = text("SELECT balance, co2e_mg, actions FROM wallets WHERE resident_id = :id")
    return tuple(db.session.execute(query, {"id": resident.resident_id}).one())


def test_a_ride_earns_its_grams_and_points(app, resident, settings, ride):
    outcome = one(ride(), resident=resident, settings=settings).judged.outcome
    assert (outcome.status, outcome.co2e_mg, outcome.points) == ("credited", 190_600, 19)
    assert books(resident) == (19, 190_600, 1)


def test_the_same_key_gives_the_first_answer_again_and_has_no_further_effect(app, resident, settings, ride):
    first = one(ride(), resident=resident, settings=settings, key="k")
    again = one(ride(), resident=resident, settings=settings, key="k")
    assert again.replay == (201, json.loads(first.body))
    assert books(resident) == (19, 190_600, 1)


def test_one_and_many_come_to_the_same_books(app, new_resident, settings, ride):
    alone, together = new_resident("alone"), new_resident("together")
    claims = [ride(hours, minutes=20, quantity_milli=milli) for hours, milli in ((30, 900_500), (29, 7_000_000))]
    for claim in claims:
        one(claim, resident=alone, settings=settings)
    many(claims, resident=together, settings=settings)
    assert books(alone) == books(together)


def test_a_partners_record_takes_the_place_of_the_declared_ride(app, resident, settings, ride):
    one(ride(tier="declaration"), resident=resident, settings=settings)
    assert books(resident) == (9, 190_600, 1)
    (judged,) = many([ride(minutes=17, external_id="t1", partner_id=1)], resident=resident, settings=settings)
    assert (judged.outcome.status, judged.outcome.points) == ("credited", 19)
    assert books(resident) == (19, 190_600, 1)
