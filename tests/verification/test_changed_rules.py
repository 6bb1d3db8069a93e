"""Rules that an operator changes: what was rightly awarded before and after is no difference, and damage still is."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.catalogue import editing
from backend.database import db, transaction
from tests.verification.damages import differing as of

METRO = {"task": "metro_ride", "metres": 5_000}
STRICTER = """UPDATE task_versions SET evidence = replace(evidence::text, '"per_day": 2', '"per_day": 1')::jsonb"""


@pytest.fixture
def anna(app, new_resident):
    return new_resident("anna")


@pytest.fixture
def rides(do, ride, anna):
    """rides(8, 10, …) has anna declare rides that began at these hours of the day before yesterday."""

    def declare(*hours, **given):
        midnight, _ = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=2))
        for hour in hours:
            ago = clock.now() - midnight - timedelta(hours=hour)
            do(anna, ride(ago / timedelta(hours=1), **given))

    return declare


def change(task, changes):
    before = editing.latest(task)
    with transaction():
        editing.change(task, changes(before.rules), expected=before.version, by="admin:test")


def without_shared_limits(rules):
    return {"evidence": [{**rule, "shared_limit": None} for rule in rules.evidence]}


def no_trip(_rules):
    return {"trip": False, "max_speed_kmh": None, "max_duration_s": None}


def test_a_task_that_has_left_a_shared_limit_does_not_use_it_up(rides, found):
    rides(8, 10, **METRO)
    change("metro_ride", without_shared_limits)
    rides(12, 14)
    rides(16, **METRO)
    assert found() == []


@pytest.mark.parametrize(("later", "used"), [(timedelta(minutes=59), []), (timedelta(minutes=61), ["2"])])
def test_what_counted_when_the_days_last_was_judged_counts_whatever_was_changed_later(
    rides, found, damage, anna, later, used
):
    rides(8, 10, **METRO)
    change("metro_ride", without_shared_limits)
    damage(
        "UPDATE task_versions SET created_at = :later WHERE version > 1",
        later=db.session.scalar(text("SELECT max(posted_at) FROM actions")) + later,
    )
    damage(STRICTER)
    assert [told for _, told in of(found(), "limits", anna.resident_id).values()] == used


def test_a_change_that_stays_in_the_group_hides_nothing(rides, found, damage, anna):
    rides(8, **METRO)
    change("metro_ride", lambda _rules: {"limit_count": 5})
    rides(10, **METRO)
    damage(STRICTER)
    ((what, bounds),) = of(found(), "limits", anna.resident_id).items()
    assert what.endswith("actions of declared_ride")
    assert bounds == ("at most 1", "2")


def test_what_is_no_trip_any_more_may_be_overlapped(rides, found):
    rides(8, minutes=60, **METRO)
    change("metro_ride", no_trip)
    rides(8.5)
    assert found() == []


def test_a_change_that_leaves_a_trip_a_trip_hides_no_overlap(rides, found, damage, anna):
    rides(8, minutes=60, **METRO)
    change("metro_ride", lambda _rules: {"limit_count": 5})
    rides(10)
    damage("UPDATE actions SET ended_at = ended_at + interval '90 minutes' WHERE seq = 1")
    assert of(found(), "trips", anna.resident_id)
