"""Subjects that nobody has bound are forgotten once nothing of theirs waits; bound ones, and those in use, stay."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions import cleaning
from backend.database import db, transaction
from backend.partners import bindings

KNOWN = "SELECT subject FROM bindings ORDER BY 1"
MANY = 6_000


@pytest.fixture
def forget(app):
    """forget(limit) → how many subjects were forgotten."""

    def run(limit=100):
        with transaction():
            return cleaning.forget_subjects(limit=limit)

    return run


def test_a_subject_is_kept_as_long_as_an_event_of_it_waits(send, ride, rows, forget):
    send([ride("old"), ride("new", subject="u-2"), ride("also old", subject="u-2", hours_ago=5)])
    assert (forget(), rows(KNOWN)) == (0, [("u-1",), ("u-2",)])
    at = clock.now() - timedelta(days=31)
    rows("UPDATE external_events SET received_at = :at WHERE external_id <> 'new' RETURNING 1", at=at)
    with transaction():
        assert cleaning.forget_unbound(now=clock.now(), limit=9) == 2
    assert (forget(), rows(KNOWN)) == (1, [("u-2",)])
    assert send([ride("another")])["unbound"] == 1
    assert rows(KNOWN) == [("u-1",), ("u-2",)]


def test_a_subject_whose_every_event_was_refused_is_forgotten(send, ride, rows, forget):
    assert send([ride("far", metres=9_000_000)])["refused"] == 1
    assert rows(KNOWN) == [("u-1",)]
    assert (forget(), rows(KNOWN)) == (1, [])


def test_bound_subjects_stay_and_released_ones_go(client, new_resident, headers, bind, rows, forget):
    staying, leaving, unbinding = (new_resident(name) for name in ("staying", "leaving", "unbinding"))
    for number, resident in enumerate((staying, leaving, unbinding)):
        bind(resident, f"u-{number}")
    assert forget() == 0
    assert client.delete("/api/v1/me", headers=headers(leaving)).status_code == 204
    assert client.delete("/api/v1/me/bindings/bikes", headers=headers(unbinding)).status_code == 204
    assert (forget(), rows(KNOWN)) == (2, [("u-0",)])
    bind(unbinding, "u-1")


def test_of_two_partners_with_one_subject_each_is_looked_at_for_itself(send, ride, rows, forget, bikes):
    send([ride("waits")])
    rows("INSERT INTO bindings (partner_id, subject) VALUES (:other, 'u-1') RETURNING 1", other=bikes.id + 1)
    assert (forget(), rows("SELECT partner_id FROM bindings")) == (1, [(bikes.id,)])


def test_no_more_are_forgotten_than_it_is_told(rows, forget):
    rows("INSERT INTO bindings (partner_id, subject) SELECT 1, 's' || n FROM generate_series(1, 5) n RETURNING 1")
    assert [forget(2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("lock", ["SHARE", "UPDATE"])
def test_a_subject_that_is_just_in_use_is_left_to_who_uses_it(rows, forget, lock):
    rows("INSERT INTO bindings (partner_id, subject) VALUES (1, 'free'), (1, 'in use') RETURNING 1")
    with db.engine.begin() as other:
        other.execute(text(f"SELECT FROM bindings WHERE subject = 'in use' FOR {lock}"))
        assert forget() == 1
    assert rows(KNOWN) == [("in use",)]


@pytest.mark.parametrize("look", [bindings.owners_of, bindings.owners_to_bind])
def test_owners_are_told_of_many_subjects_some_of_which_were_forgotten(rows, resident, look):
    rows("INSERT INTO bindings VALUES (1, 'bound', :who, now()) RETURNING 1", who=resident.resident_id)
    with transaction():
        owners = look(["bound", "new", "newer"], partner_id=1)
    assert owners == {"bound": resident.resident_id, "new": None, "newer": None}


def test_they_are_found_among_very_many_that_are_bound(app):
    try:
        every = f"FROM generate_series(1, {MANY}) n"
        bound = "CASE WHEN n % 100 > 0 THEN n END"
        db.session.execute(text(f"INSERT INTO bindings SELECT 1, 's' || n, {bound}, now() {every}"))
        db.session.execute(
            text(
                "INSERT INTO external_events (partner_id, external_id, subject, resident_id, action_seq, received_at)"
                f" SELECT 1, n, 's' || n, {bound}, CASE WHEN n % 100 > 0 THEN 1 END, now() {every}"
            )
        )
        db.session.execute(text("ANALYZE bindings, external_events"))
        plan = " ".join(db.session.scalars(text(f"EXPLAIN {cleaning._FIND % 100}")))
        assert "bindings_resident_id_idx" in plan
        assert "external_events_unbound" in plan
    finally:
        db.session.rollback()
