"""A subject is forgotten just when an event of it arrives, or a resident binds it: every schedule, nothing lost."""

import json
from itertools import count

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions import cleaning
from backend.actions.ingest.newcomers import bind_newcomers
from backend.database import db, transaction
from backend.partners import bindings
from tests.races.conftest import Scene

_numbers = count(1)


@pytest.fixture
def unused(bikes):
    """unused() → a subject that nobody has bound and no event waits for, but is there."""

    def make():
        subject = f"f-{next(_numbers)}"
        with transaction():
            values = {"partner": bikes.id, "subject": subject}
            db.session.execute(text("INSERT INTO bindings (partner_id, subject) VALUES (:partner, :subject)"), values)
        return subject

    return make


@pytest.fixture
def forget(doing):
    """Forgets the subjects that are not in use."""
    return doing(lambda: cleaning.forget_subjects(limit=100))


def standing(subject):
    """Whether the subject is there, whether it is bound, and how many events wait for it."""
    with transaction():
        values = {"subject": subject}
        owners = db.session.scalars(text("SELECT resident_id FROM bindings WHERE subject = :subject"), values).all()
        query = text("SELECT count(*) FROM external_events WHERE subject = :subject AND resident_id IS NULL")
        return len(owners), any(owners), db.session.scalar(query, values)


def in_order(calls, *, turned):
    return calls[::-1] if turned else calls


@pytest.mark.parametrize("turned", [False, True])
def test_an_event_that_arrives_waits_and_its_subject_is_there(
    app, outcomes, signed_headers, ride, told, unused, forget, turned
):
    def scene():
        subject = unused()
        sent = json.dumps({"events": [ride(subject, subject=subject)]}).encode()
        signed = signed_headers(sent)
        page = told(lambda: app.test_client().post("/api/v1/partner/events", data=sent, headers=signed))
        return Scene(*in_order([page, forget], turned=turned), lambda: standing(subject))

    assert set(outcomes(scene, both=True)) == {("done", "done", (1, False, 1))}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("way", ["by a resident", "by a feed of newcomers"])
def test_a_subject_that_is_being_bound_is_bound(outcomes, bikes, somebody, doing, unused, forget, way, turned):
    def scene():
        subject, owner, now = unused(), somebody(), clock.now()
        if way == "by a resident":
            whose = {"partner_id": bikes.id, "resident_id": owner.resident_id}
            bind = doing(lambda: bindings.bind(subject, **whose, now=now))
        else:
            bind = doing(lambda: bind_newcomers([subject], partner=bikes.row, now=now))
        return Scene(*in_order([bind, forget], turned=turned), lambda: standing(subject))

    assert set(outcomes(scene, both=True)) == {("done", "done", (1, True, 0))}
