"""Recording actions, one and many: the same rules, exact books."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import current_app
from sqlalchemy import select, text

from backend import clock
from backend.actions.claim import Claim
from backend.actions.judging import in_order
from backend.actions.models import Action
from backend.actions.record_batch import record_batch
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.audit.models import AuditRow
from backend.catalogue import service as catalogue
from backend.database import db, transaction
from backend.emissions import revision
from backend.ledger import adjusting
from tests.append_only import changeable
from tests.asking import asked_by
from tests.books import differences

GAINS = """
SELECT day, task_id, tier, district_id, sum(co2e_mg) AS co2e_mg, sum(points) AS points, sum(actions) AS actions
FROM outbox WHERE resident_id = :id AND kind = 'action' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
"""What projections gain, however many rows bring it."""


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
    return record_one(claim, **asked_by(resident.resident_id, settings=settings, key=key))


def many(claims, *, resident, settings):
    with transaction():
        return record_many({resident.resident_id: claims}, settings=settings, now=clock.now())


def books(resident):
    query = text("SELECT balance, co2e_mg, actions FROM wallets WHERE resident_id = :id")
    return tuple(db.session.execute(query, {"id": resident.resident_id}).one())


def test_a_ride_earns_its_grams_and_points(app, resident, settings, ride):
    (judged,) = one(ride(), resident=resident, settings=settings).judged
    outcome = judged.outcome
    assert (outcome.status, outcome.co2e_mg, outcome.points) == ("credited", 190_600, 19)
    assert books(resident) == (19, 190_600, 1)


def test_the_same_key_gives_the_first_answer_again_and_has_no_further_effect(app, resident, settings, ride):
    first = one(ride(), resident=resident, settings=settings, key="k")
    again = one(ride(), resident=resident, settings=settings, key="k")
    assert again.replay == (201, json.loads(first.body))
    assert books(resident) == (19, 190_600, 1)


@pytest.fixture
def mixed(ride):
    """Claims of all kinds, of both this year and the last: one of them is capped, one waits, two are refused."""
    new_year = clock.day_bounds(clock.local_day(clock.now()).replace(month=1, day=1), zone=clock.city_zone())[0]

    def make():
        declared = {"tier": "declaration", "max_age_days": 400}
        bag = {**declared, "task": "own_bag", "quantity_milli": None, "unit": None, "ended_at": None}
        old, at = new_year - timedelta(hours=3), clock.now() - timedelta(days=1)
        photo = {"photo_sha256": "ab" * 32, "note": "a \"quoted\"\\ note, {with} 'marks' ö"}
        claims = [
            ride(30, minutes=20, quantity_milli=900_500, **declared),
            ride(26, minutes=50, quantity_milli=7_000_001, **declared),
            ride(22, **declared),  # a third declared trip of a day
            ride(happened_at=old, ended_at=old + timedelta(minutes=20), day=clock.local_day(old), **declared),
            ride(happened_at=at, day=clock.local_day(at), **bag, client_reference="it's {mine}, \"ö\\"),
            ride(happened_at=at, day=clock.local_day(at), **bag, client_reference="it's {mine}, \"ö\\"),
            ride(
                **{**bag, "task": "clean_plate", "tier": "photo", "evidence": photo},
                happened_at=at,
                day=clock.local_day(at),
            ),
        ]
        for place, claim in enumerate(claims):
            claim.place = place
        return in_order(claims)

    return make


@pytest.fixture
def written():
    """written(resident) → all rows of theirs but an adjustment's, and but for whose they are and when they came."""
    unlike = {"resident_id", "posted_at", "partition", "id", "created_at", "version"}

    def read(resident):
        tables = ("wallets", "actions", "ledger_entries", "lots", "yearly_points")
        queries = {table: f"SELECT * FROM {table} WHERE resident_id = :id ORDER BY 1, 2" for table in tables}
        found = {}
        for table, query in {**queries, "outbox": GAINS}.items():
            rows = db.session.execute(text(query), {"id": resident.resident_id}).mappings()
            mine = [row for row in rows if row.get("kind") != "adjust"]
            found[table] = [{name: value for name, value in row.items() if name not in unlike} for row in mine]
        return found

    return read


@pytest.mark.parametrize("debt", [0, 7, 1_000])
def test_one_by_one_in_a_batch_or_in_a_page_they_come_to_the_same_books(
    app, new_resident, settings, mixed, written, debt
):
    settings = replace(settings, points_cap_day=30)
    residents = alone, batch, page = [new_resident(name) for name in ("alone", "batch", "page")]
    # In the first days of a year all of it would be of the last.
    midsummer = clock.local_day(clock.now()).replace(month=7, day=1)
    with time_machine.travel(clock.day_bounds(midsummer)[0] + timedelta(hours=23, microseconds=7), tick=False):
        for resident in residents if debt else ():
            owing(resident, debt)
        for claim in mixed():
            one(claim, resident=alone, settings=settings)
        record_batch(mixed(), **asked_by(batch.resident_id, settings=settings))
        many(mixed(), resident=page, settings=settings)
    assert written(alone) == written(batch) == written(page)
    assert [row["status"] for row in written(batch)["actions"]].count("pending") == 1
    assert {row["capped_by"] for row in written(batch)["actions"]} == {None, "city_day"}
    assert len(written(batch)["yearly_points"]) == 2
    assert differences(with_actions=True) == []


def test_what_goes_to_the_same_sums_is_one_row_of_the_outbox(app, new_resident, settings, ride, written):
    noon = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1))[0] + timedelta(hours=12)

    def rides():
        begun = [noon - timedelta(days=1), noon, noon + timedelta(hours=2)]
        return [
            ride(happened_at=at, ended_at=at + timedelta(minutes=15), day=clock.local_day(at), tier="declaration")
            for at in begun
        ]

    residents = alone, batch, page = [new_resident(name) for name in ("alone", "batch", "page")]
    for claim in rides():
        one(claim, resident=alone, settings=settings)
    record_batch(rides(), **asked_by(batch.resident_id, settings=settings))
    many(rides(), resident=page, settings=settings)
    query = text("SELECT actions FROM outbox WHERE resident_id = :id ORDER BY day")
    found = [db.session.scalars(query, {"id": resident.resident_id}).all() for resident in residents]
    assert found == [[1, 1, 1], [1, 2], [1, 2]]
    # At whole seconds, which a page writes in its own way.
    assert written(alone)["actions"] == written(batch)["actions"] == written(page)["actions"]
    assert differences(with_actions=True) == []


def owing(resident, debt):
    """The resident owes points, as after an adjustment."""
    asked_for = adjusting.request(resident_id=resident.resident_id, points=-debt, reason="test", by="admin:one")
    adjusting.approve(adjusting.AdjustmentId(resident.resident_id, asked_for.id), by="admin:two")
    db.session.commit()


def test_a_batch_of_which_nothing_counts_is_answered_and_its_answer_kept(app, resident, settings, ride):
    refused = ride(tier="declaration", quantity_milli=1)
    first = record_batch([refused], **asked_by(resident.resident_id, settings=settings, key="k"))
    again = record_batch([refused], **asked_by(resident.resident_id, settings=settings, key="k"))
    assert ([one.outcome.reason for one in first.judged], again.replay) == (
        ["out-of-range"],
        (200, json.loads(first.body)),
    )
    assert record_batch([], **asked_by(resident.resident_id, settings=settings)).body == json.dumps({"seqs": []})
    assert books(resident) == (0, 0, 0)


def test_a_partners_record_takes_the_place_of_the_declared_ride(app, resident, settings, ride):
    # As many points as the better record is worth: what the declared one took of them is free again.
    settings = replace(settings, points_cap_day=19)
    one(ride(tier="declaration"), resident=resident, settings=settings)
    assert books(resident) == (9, 190_600, 1)
    (judged,) = many([ride(minutes=17, external_id="t1", partner_id=1)], resident=resident, settings=settings)
    assert (judged.outcome.status, judged.outcome.points) == ("credited", 19)
    assert books(resident) == (19, 190_600, 1)
    # What the rules do by themselves is told by the action, not by the audit trail.
    assert db.session.scalars(select(Action.decided_by).where(Action.status == "reversed")).all() == ["rules"]
    assert db.session.scalars(select(AuditRow)).all() == []


def test_a_page_is_judged_by_what_the_catalogue_says_once_its_wallets_are_locked(app, resident, settings, ride):
    assert catalogue.current().tasks["bike_ride"].limit_count > 1
    with transaction(), changeable("task_versions"):
        # As another process: it tells its own cache nothing of it.
        db.session.execute(text("UPDATE task_versions SET limit_count = 1"))
        db.session.execute(text("UPDATE catalogue_revision SET revision = revision + 1"))
    yesterday = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1), zone=clock.city_zone())[0]
    hours = (clock.now() - yesterday) / timedelta(hours=1)
    judged = many([ride(hours - 8), ride(hours - 12)], resident=resident, settings=settings)
    assert [one.outcome.reason for one in judged] == [None, "daily-limit-reached"]


def test_a_page_knows_the_tasks_of_what_was_done_while_it_waited(app, resident, settings, ride):
    (judged,) = many([ride()], resident=resident, settings=settings)
    assert judged.outcome.status == "credited"
    now = catalogue.current()
    # As it was in this process before somebody added the task and the resident did it.
    tasks = {code: rules for code, rules in now.tasks.items() if code != "bike_ride"}
    current_app.extensions["catalogue"] = replace(now, revision=now.revision - 1, tasks=tasks)
    (judged,) = many([ride(hours_ago=5, task="metro_ride")], resident=resident, settings=settings)
    assert judged.outcome.status == "credited"


def test_a_trip_that_unlocked_the_task_of_its_better_record_is_replaced_and_not_lost(app, resident, settings, ride):
    with transaction(), changeable("task_versions"):
        of_metro = "task_id = (SELECT id FROM green_tasks WHERE code = 'metro_ride')"
        db.session.execute(text(f"UPDATE task_versions SET unlock = '{{\"min_actions\": 1}}' WHERE {of_metro}"))
        revision.changed()
    one(ride(tier="declaration"), resident=resident, settings=settings)
    (judged,) = many([ride(task="metro_ride", external_id="m1", partner_id=1)], resident=resident, settings=settings)
    assert judged.outcome.status == "credited"
    assert books(resident)[1:] == (judged.outcome.co2e_mg, 1)
    assert differences(with_actions=True) == []


def reason_of(way, claim, *, resident, settings):
    """Why a claim that comes alone, in a batch or in a page is refused; None: it counts."""
    if way == "page":
        (judged,) = many([claim], resident=resident, settings=settings)
    elif way == "batch":
        (judged,) = record_batch([claim], **asked_by(resident.resident_id, settings=settings)).judged
    else:
        (judged,) = one(claim, resident=resident, settings=settings).judged
    return judged.outcome.reason


@pytest.mark.parametrize("way", ["alone", "batch", "page"])
@pytest.mark.parametrize("first", [0, -1])
def test_a_monthly_limit_knows_of_the_whole_month_that_is_past(app, resident, settings, ride, way, first):
    after = clock.month_bounds(clock.local_day(clock.now()))[0]
    days = [clock.month_bounds(after - timedelta(days=1))[0], after - timedelta(days=1)]

    def saved(day):
        at = clock.day_bounds(day)[0] + timedelta(hours=12)
        more = {"quantity_milli": 5_000_000, "unit": "Wh", "max_age_days": 70}
        return ride(task="save_electricity", happened_at=at, ended_at=None, day=day, **more)

    assert reason_of(way, saved(days.pop(first)), resident=resident, settings=settings) is None
    assert reason_of(way, saved(days.pop()), resident=resident, settings=settings) == "daily-limit-reached"


@pytest.mark.parametrize("way", ["alone", "batch", "page"])
@pytest.mark.parametrize("first", [0, -1])
def test_trips_that_meet_are_found_though_they_belong_to_two_days(app, resident, settings, ride, way, first):
    midnight = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1))[0]
    trips = []
    for begins, ends in ((-30, 30), (5, 20)):
        at, until = midnight + timedelta(minutes=begins), midnight + timedelta(minutes=ends)
        trips.append(ride(happened_at=at, ended_at=until, day=clock.local_day(at)))
    assert reason_of(way, trips.pop(first), resident=resident, settings=settings) is None
    assert reason_of(way, trips.pop(), resident=resident, settings=settings) == "overlapping-action"


@pytest.mark.parametrize("way", ["batch", "page"])
def test_what_comes_together_is_taken_in_the_order_in_which_it_began(app, resident, settings, ride, way):
    claims = [ride(hours, place=place) for place, hours in enumerate((5, 9, 7))]
    if way == "page":
        judged = many(claims, resident=resident, settings=settings)
    else:
        judged = record_batch(claims, **asked_by(resident.resident_id, settings=settings)).judged
    assert [(one.seq, one.claim.place) for one in judged] == [(1, 1), (2, 2), (3, 0)]
