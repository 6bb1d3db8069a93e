"""The rules at their boundaries: pure, by the default catalogue."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import current_app

from backend.actions.claim import Claim, milli
from backend.actions.refusals import refusal_of
from backend.actions.rules import Caps, decide
from backend.actions.standing import Standing, Trip
from backend.catalogue import service as catalogue
from backend.catalogue.rules import evidence_rule

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAPS = Caps(day=200, year=20_000, future_skew=timedelta(minutes=5))


@pytest.fixture
def rules(app):
    return catalogue.current().tasks


def claim(task="bike_ride", tier="partner", *, quantity="2000", unit="m", minutes=15, hours_ago=10, **more):
    began = NOW - timedelta(hours=hours_ago)
    given = {
        "task": task,
        "tier": tier,
        "quantity_milli": None if quantity is None else milli(Decimal(quantity)),
        "unit": unit,
        "happened_at": began,
        "ended_at": began + timedelta(minutes=minutes) if minutes is not None else None,
        "day": date(2026, 11, 20),
    }
    return Claim(**{**given, **more})


def judged(rules, given, standing=None):
    return decide(given, rules[given.task], standing=standing or Standing(1), caps=CAPS, now=NOW)


@pytest.mark.parametrize(
    ("task", "tier", "quantity", "unit", "minutes", "co2e_mg", "points"),
    [
        ("bike_ride", "partner", "300", "m", 15, 28_590, 2),
        ("bike_ride", "partner", "867.6", "m", 15, 82_682, 8),
        ("bike_ride", "partner", "50000", "m", 120, 4_765_000, 60),
        ("metro_ride", "partner", "500", "m", 15, 36_000, 5),
        ("metro_ride", "partner", "9000", "m", 30, 648_000, 60),
        ("bus_ride", "declaration", "300", "m", 15, 15_600, 2),
        ("walk_steps", "device", "1000", "steps", None, 20_000, 5),
        ("walk_steps", "device", "100000", "steps", None, 600_000, 50),
        ("ev_charge", "partner", "1000", "Wh", None, 460_000, 4),
        ("no_cutlery", "partner", "1", "count", None, 45_720, 5),
        ("carton_return", "partner", "10", "count", None, 370_000, 50),
        ("clothes_recycling", "check_in", "500", "g", None, 640_000, 15),
        ("clothes_recycling", "partner", "50000", "g", None, 64_000_000, 200),
        ("save_electricity", "partner", "1000000", "Wh", None, 663_400_000, 200),
        ("save_water", "partner", "100", "l", None, 0, 10),
        ("own_cup", "declaration", None, None, None, 0, 1),
    ],
)
def test_each_task_earns_what_the_catalogue_says(rules, task, tier, quantity, unit, minutes, co2e_mg, points):
    outcome = judged(rules, claim(task, tier, quantity=quantity, unit=unit, minutes=minutes))
    assert (outcome.status, outcome.co2e_mg, outcome.points) == ("credited", co2e_mg, points)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": "299.999"}, "out-of-range"),
        ({"quantity": "50000.001", "minutes": 300}, "out-of-range"),
        ({"unit": "km"}, "wrong-unit"),
        ({"quantity": None}, "quantity-missing"),
        ({"minutes": None}, "duration-missing"),
        ({"minutes": 0}, "implausible-activity"),
        ({"minutes": -5}, "implausible-activity"),
        ({"minutes": 361}, "implausible-activity"),
        ({"quantity": "6250.001"}, "implausible-activity"),
        ({"tier": "photo"}, "evidence-not-accepted"),
        ({"hours_ago": -1}, "in-the-future"),
        ({"hours_ago": 9 / 60}, "in-the-future"),
        ({"hours_ago": 24 * 7 + 1}, "too-old"),
        ({"tier": "declaration", "quantity": "20000.001", "minutes": 300}, "out-of-range"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_name(rules, changes, reason):
    assert judged(rules, claim(**changes)).reason == reason


@pytest.mark.parametrize(
    "changes",
    [{"quantity": "6250"}, {"minutes": 360, "hours_ago": 12}, {"quantity": "300"}, {"hours_ago": 10 / 60}],
)
def test_what_is_exactly_at_a_limit_counts(rules, changes):
    assert judged(rules, claim(**changes)).status == "credited"


@pytest.mark.parametrize(
    ("starts", "ends", "reason"),
    [
        (0, None, None),
        (1, None, "task-locked"),
        (1, 2, "task-locked"),
        (None, 1, None),
        (None, 0, "task-ended"),
        (-2, -1, "task-ended"),
    ],
)
def test_a_task_is_locked_before_it_begins_and_ended_once_it_is_over(rules, starts, ends, reason):
    given = claim()
    starts_at, ends_at = (
        None if micros is None else given.happened_at + timedelta(microseconds=micros) for micros in (starts, ends)
    )
    bounded = replace(rules["bike_ride"], starts_at=starts_at, ends_at=ends_at)
    assert judged({"bike_ride": bounded}, given).reason == reason


@pytest.mark.parametrize("stored", ["1.001", 1.001])
@pytest.mark.parametrize(("quantity", "status"), [("1", "credited"), ("1.001", "credited"), ("1.002", "refused")])
def test_the_limit_of_a_tier_is_exact_to_the_thousandth(rules, stored, quantity, status):
    own = evidence_rule({"tier": "partner", "basis": "fixed", "points": 1, "per": 1, "quantity_max": stored})
    saved = replace(rules["save_water"], min_milli=500, evidence={"partner": own})
    given = claim("save_water", quantity=quantity, unit="l", minutes=None)
    assert judged({"save_water": saved}, given).status == status


def test_a_range_is_told_as_exactly_as_it_is_kept(rules):
    own = evidence_rule({"tier": "partner", "basis": "fixed", "points": 1, "per": 1, "quantity_max": "20.001"})
    saved = replace(rules["save_water"], min_milli=500, evidence={"partner": own})
    given = claim("save_water", quantity="0.499", unit="l", minutes=None)
    outcome = judged({"save_water": saved}, given)
    with current_app.test_request_context(headers={"Accept-Language": "en"}):
        (told,) = refusal_of(outcome, claim=given, rules=saved).extensions["errors"]
    assert told == {"field": "activity.quantity", "message": "Must be from 0.5 to 20.001 l."}


@pytest.mark.parametrize(
    ("period", "left_on", "reason"),
    [
        ("day", date(2026, 11, 19), None),
        ("day", date(2026, 11, 20), "daily-limit-reached"),
        ("day", date(2026, 11, 21), "too-old"),
        ("month", date(2026, 10, 31), None),
        ("month", date(2026, 11, 1), "daily-limit-reached"),
        ("month", date(2026, 11, 20), "daily-limit-reached"),
        ("month", date(2026, 11, 21), "too-old"),
    ],
)
def test_what_an_account_that_was_left_may_have_counted_counts_no_second_time(rules, period, left_on, reason):
    limited = replace(rules["bike_ride"], limit_period=period)
    assert judged({"bike_ride": limited}, claim(), Standing(1, left_on=left_on)).reason == reason


@pytest.mark.parametrize(("left_on", "points"), [(date(2026, 1, 1), 3), (date(2025, 12, 31), 19)])
def test_the_years_cap_holds_the_points_of_an_account_that_was_left(rules, left_on, points):
    standing = Standing(1, left_on=left_on, left_points=CAPS.year - 3)
    assert judged(rules, claim(), standing).points == points


def a_trip(*, tier="partner", starts=NOW - timedelta(hours=10), minutes=15, points=19):
    return Trip(1, 1, tier, date(2026, 11, 20), starts, starts + timedelta(minutes=minutes), points)


@pytest.mark.parametrize(("shift", "status"), [(-15, "credited"), (-14, "refused"), (14, "refused"), (15, "credited")])
def test_trips_may_touch_and_not_meet(rules, shift, status):
    standing = Standing(1)
    starts = NOW - timedelta(hours=10) + timedelta(minutes=shift)
    standing.add(task_id=1, day=date(2026, 11, 20), points=19, group=None, trip=a_trip(starts=starts))
    assert judged(rules, claim(), standing).status == status


def test_a_trip_meets_one_that_lasted_longer_than_those_that_began_after_it():
    standing = Standing(1)
    # In UTC it began the day before.
    for minutes, starts in ((540, 14), (10, 9.5)):
        trip = a_trip(starts=NOW - timedelta(hours=starts))._replace(
            ends_at=NOW - timedelta(hours=starts, minutes=-minutes)
        )
        standing.add(task_id=1, day=date(2026, 11, 20), points=1, group=None, trip=trip)
    late = NOW - timedelta(hours=6)
    assert standing.trips_meeting(late, late + timedelta(minutes=15))
    assert not standing.trips_meeting(late + timedelta(hours=1), late + timedelta(hours=2))


@pytest.mark.parametrize(
    ("tier", "met", "replaced"),
    [
        ("partner", ["declaration"], 1),
        ("partner", ["declaration", "declaration"], 2),
        ("partner", ["partner"], 0),
        ("partner", ["declaration", "partner"], 0),
        ("declaration", ["declaration"], 0),
    ],
)
def test_a_partners_record_replaces_declared_trips_and_nothing_else_is_replaced(rules, tier, met, replaced):
    standing = Standing(1)
    for place, other in enumerate(met):
        trip = a_trip(tier=other, starts=NOW - timedelta(hours=10, minutes=-8 * place), minutes=7, points=9)
        standing.add(task_id=1, day=date(2026, 11, 20), points=9, group=None, trip=trip)
    outcome = judged(rules, claim(tier=tier), standing)
    assert (outcome.reason, len(outcome.replaces)) == (None if replaced else "overlapping-action", replaced)


@pytest.mark.parametrize(
    ("task", "day", "reason"),
    [
        ("bike_ride", date(2026, 11, 20), None),
        ("bus_ride", date(2026, 11, 20), "daily-limit-reached"),
        ("bike_ride", date(2026, 11, 19), "daily-limit-reached"),
    ],
)
def test_a_trip_that_is_replaced_frees_its_own_place_in_the_limit_and_no_other(rules, task, day, reason):
    standing, ride, declared = Standing(1), rules["bike_ride"], rules[task].task_id
    trip = a_trip(tier="declaration")._replace(task_id=declared, day=day)
    standing.add(task_id=declared, day=day, points=9, group=None, trip=trip)
    while standing.count(ride.task_id, date(2026, 11, 20), monthly=False) < ride.limit_count:
        standing.add(task_id=ride.task_id, day=date(2026, 11, 20), points=0, group=None, trip=None)
    assert judged(rules, claim(), standing).reason == reason


@pytest.mark.parametrize(
    ("earned", "points", "capped_by"),
    [(81, 19, None), (82, 18, "task_day"), (99, 1, "task_day"), (100, 0, "task_day"), (101, 0, "task_day")],
)
def test_a_cap_cuts_points_and_never_grams(rules, earned, points, capped_by):
    standing = Standing(1)
    standing.add(task_id=rules["bike_ride"].task_id, day=date(2026, 11, 20), points=earned, group=None, trip=None)
    outcome = judged(rules, claim(), standing)
    assert (outcome.points, outcome.capped_by, outcome.co2e_mg) == (points, capped_by, 190_600)


def test_the_citys_caps_hold_over_all_tasks(rules):
    standing = Standing(1)
    standing.add(task_id=99, day=date(2026, 11, 20), points=195, group=None, trip=None)
    assert judged(rules, claim(), standing).capped_by == "city_day"
    standing = Standing(1)
    standing.year_points[2026] = 19_990
    assert (judged(rules, claim(), standing).points, judged(rules, claim(), standing).capped_by) == (10, "city_year")


def test_a_limit_refuses_the_seventh_ride_of_a_day(rules):
    standing = Standing(1)
    for _ in range(6):
        assert judged(rules, claim(), standing).status == "credited"
        standing.add(task_id=rules["bike_ride"].task_id, day=date(2026, 11, 20), points=0, group=None, trip=None)
    assert judged(rules, claim(), standing).reason == "daily-limit-reached"


@pytest.mark.parametrize("day", [1, 19, 30])
def test_a_monthly_limit_counts_the_whole_month(rules, day):
    standing = Standing(1)
    saved = rules["save_electricity"].task_id
    standing.add(task_id=saved, day=date(2026, 11, day), points=0, group=None, trip=None)
    again = claim("save_electricity", quantity="5000", unit="Wh", minutes=None)
    assert judged(rules, again, standing).reason == "daily-limit-reached"
    last_month = claim("save_electricity", quantity="5000", unit="Wh", minutes=None, day=date(2026, 10, 31))
    assert judged(rules, last_month, standing).status == "credited"


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize(
    ("period", "day", "declared_on"),
    [
        ("day", date(2026, 11, 20), date(2026, 11, 20)),
        ("day", date(2026, 11, 20), date(2026, 11, 19)),
        ("month", date(2026, 11, 20), date(2026, 11, 20)),
        ("month", date(2026, 11, 20), date(2026, 11, 19)),
        ("month", date(2026, 11, 1), date(2026, 10, 31)),
    ],
)
def test_a_trip_that_is_replaced_uses_up_no_limit_and_frees_none_but_its_own(rules, period, day, declared_on, others):
    limited = replace(rules["bike_ride"], limit_period=period, limit_count=1)
    standing = Standing(1)
    declared = a_trip(tier="declaration")._replace(task_id=limited.task_id, day=declared_on)
    standing.add(task_id=limited.task_id, day=declared_on, points=9, group=None, trip=declared)
    for _ in range(others):
        standing.add(task_id=limited.task_id, day=day, points=0, group=None, trip=None)
    outcome = judged({"bike_ride": limited}, claim(day=day), standing)
    wanted = ("refused", "daily-limit-reached", ()) if others else ("credited", None, (declared,))
    assert (outcome.status, outcome.reason, outcome.replaces) == wanted


def test_what_the_rules_would_refuse_anyway_is_not_called_a_duplicate(rules):
    standing = Standing(1, known={"x"}, taken={(7, "y")})
    for given in ({"client_reference": "x"}, {"partner_id": 7, "external_id": "y"}):
        assert judged(rules, claim(**given), standing).status == "duplicate"
        assert judged(rules, claim(quantity="1", **given), standing).reason == "out-of-range"


def test_nothing_is_credited_without_a_factor_that_holds_that_day(rules):
    before_any = claim(day=date(2023, 12, 31))
    assert judged(rules, before_any).reason == "too-old"
