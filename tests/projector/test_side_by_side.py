"""Partitions are folded side by side, each by one projector at a time."""

import threading

import pytest
from sqlalchemy import text

from backend.database import advisory, db
from backend.outbox import partition_of
from backend.projector import service as projector
from tests.projections import expected_now, projected, waiting


class BrokenOffError(Exception):
    """Something goes wrong in one partition."""


@pytest.fixture
def two_partitions(deeds, new_resident, monkeypatch):
    """Something to fold in exactly two partitions, and a machine with two cores."""
    monkeypatch.setattr(projector, "cores", lambda: 2)
    people = {}
    while len(people) < 2:
        person = new_resident()
        people.setdefault(partition_of(person.resident_id), person)
    for person in people.values():
        deeds.record(person)
    return list(people)


def test_a_process_folds_partitions_side_by_side(app, two_partitions, monkeypatch):
    both = threading.Barrier(2)
    fold = projector._fold

    def meeting_the_other(*args, **options):
        both.wait(10)
        return fold(*args, **options)

    monkeypatch.setattr(projector, "_fold", meeting_the_other)
    assert projector.drain() == 2
    assert projected() == expected_now()


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_partition_that_fails_says_so_and_stops_no_other(app, two_partitions, monkeypatch, at_once):
    failing, _ = sorted(two_partitions)
    monkeypatch.setattr(projector, "MOST_AT_ONCE", at_once)
    fold = projector._fold

    def failing_once(cursor, partition, **options):
        if partition == failing:
            raise BrokenOffError
        return fold(cursor, partition, **options)

    with monkeypatch.context() as patched:
        patched.setattr(projector, "_fold", failing_once)
        with pytest.raises(BrokenOffError):
            projector.drain()
    assert waiting() == 1
    assert projector.drain() == 1
    assert projected() == expected_now()


def test_a_crowd_is_followed_up_at_once(app, deeds, resident, monkeypatch):
    monkeypatch.setattr(projector, "CROWD", 1)
    fold = projector._fold

    def and_another_comes(*args, **options):
        rows = fold(*args, **options)
        if len(came) < 3:
            came.append(deeds.record(resident, "no_cutlery", days_ago=len(came)))
        return rows

    came = []
    deeds.record(resident)
    monkeypatch.setattr(projector, "_fold", and_another_comes)
    assert projector.drain(max_seconds=10) == 4
    assert waiting() == 0
    assert projected() == expected_now()


def test_a_busy_partition_is_left_to_its_projector(app, deeds, resident):
    deeds.record(resident)
    partition = partition_of(resident.resident_id)
    with db.engine.connect() as other:
        other.execute(text(f"SELECT pg_advisory_xact_lock({advisory.PROJECTOR}, {partition})"))
        assert projector.project(partition, wait=False) is None
        assert projector.drain(max_seconds=1) == 0
    assert projector.drain(max_seconds=60) == 1
