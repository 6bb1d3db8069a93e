"""Two awards at one cap, a binding and the events that belong to it: every schedule, exact points and grams."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db, transaction
from backend.partners import bindings
from tests.races.conftest import Scene

CAP = 12
RIDE = 9
"""Points of a declared ride of two kilometres: the second has CAP - RIDE left."""
_numbers = count(1)


@pytest.fixture
def low_cap(app, monkeypatch):
    """The city gives no more than CAP points a day."""
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], points_cap_day=CAP))


@pytest.fixture
def declared(app, headers, told):
    """declared(resident, hours, batch=…) → a call that sends a ride that began so many hours before noon yesterday."""

    def make(resident, hours, *, batch):
        noon = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1), zone=clock.city_zone())[0]
        began = noon + timedelta(hours=12 - hours)
        body = {
            "task": "bike_ride",
            "started_at": clock.rfc3339(began),
            "occurred_at": clock.rfc3339(began + timedelta(minutes=20)),
            "activity": {"quantity": 2000, "unit": "m"},
        }
        path, sent = ("/batch", {"actions": [body]}) if batch else ("", body)
        sign = headers(resident)
        return told(lambda: app.test_client().post(f"/api/v1/actions{path}", json=sent, headers=sign))

    return make


@pytest.fixture
def post(app, signed_headers):
    """post(body) → the answer to a page that the partner signed."""
    return lambda body: app.test_client().post("/api/v1/partner/events", data=body, headers=signed_headers(body))


@pytest.fixture
def points_of():
    """points_of(resident) → balance, and the points of each action in the order of their numbers."""

    def read(resident):
        values = {"who": resident.resident_id}
        actions = db.session.scalars(text("SELECT points FROM actions WHERE resident_id = :who ORDER BY seq"), values)
        balance = text("SELECT balance FROM wallets WHERE resident_id = :who")
        found = (db.session.scalar(balance, values), *actions)
        db.session.rollback()
        return found

    return read


@pytest.mark.usefixtures("low_cap")
@pytest.mark.parametrize("ways", [(False, False), (False, True), (True, False), (True, True)])
def test_two_awards_at_once_share_what_is_left_of_the_cap(outcomes, somebody, declared, points_of, ways):
    def scene():
        owner = somebody()
        calls = [declared(owner, 2 * place, batch=batch) for place, batch in enumerate(ways)]
        return Scene(*calls, lambda: points_of(owner))

    assert set(outcomes(scene, both=True)) == {("done", "done", (CAP, RIDE, CAP - RIDE))}


@pytest.mark.parametrize("page_first", [True, False])
def test_a_binding_and_a_page_of_its_events_credit_each_event_once(
    app, outcomes, somebody, headers, told, bikes, proof, ride, post, points_of, page_first
):
    def scene():
        owner, subject = somebody(), f"u-{next(_numbers)}"
        events = [ride(f"{subject}-{place}", subject=subject, hours_ago=9 - place) for place in (0, 1)]
        sent, sign = json.dumps({"events": events}).encode(), headers(owner)
        wanted = {"partner": "bikes", "subject": subject, "proof": proof(subject)}
        page = told(lambda: post(sent))
        bind = told(lambda: app.test_client().post("/api/v1/me/bindings", json=wanted, headers=sign))
        calls = [page, bind] if page_first else [bind, page]
        return Scene(*calls, lambda: (*points_of(owner), kept(subject)))

    assert set(outcomes(scene)) == {("done", "done", (38, 19, 19, 0))}


def test_one_event_in_two_pages_counts_once(outcomes, somebody, told, bikes, ride, post, points_of):
    def scene():
        owner, subject = somebody(), f"u-{next(_numbers)}"
        with transaction():
            bindings.bind(subject, partner_id=bikes.id, resident_id=owner.resident_id, now=clock.now())
        events = [ride(f"{subject}-{place}", subject=subject, hours_ago=9 - place) for place in (0, 1, 2)]
        pages = [events[:2], events[1:][::-1]]
        bodies = [json.dumps({"events": page}).encode() for page in pages]
        calls = [told(lambda sent=sent: post(sent)) for sent in bodies]
        return Scene(*calls, lambda: points_of(owner))

    assert set(outcomes(scene)) == {("done", "done", (57, 19, 19, 19))}


@pytest.mark.parametrize("undone_first", [True, False])
def test_events_are_credited_before_their_binding_is_undone_or_kept_after(
    app, outcomes, somebody, headers, told, bikes, ride, post, points_of, undone_first
):
    def scene():
        owner, subject = somebody(), f"u-{next(_numbers)}"
        with transaction():
            bindings.bind(subject, partner_id=bikes.id, resident_id=owner.resident_id, now=clock.now())
        sent, sign = json.dumps({"events": [ride(subject, subject=subject)]}).encode(), headers(owner)
        page = told(lambda: post(sent))
        undo = told(lambda: app.test_client().delete("/api/v1/me/bindings/bikes", headers=sign))
        calls = [undo, page] if undone_first else [page, undo]
        return Scene(*calls, lambda: (*points_of(owner), kept(subject)))

    assert set(outcomes(scene)) == {("done", "done", (19, 19, 0)), ("done", "done", (0, 1))}


@pytest.mark.parametrize("leaves_first", [True, False])
def test_no_binding_outlasts_its_resident(app, outcomes, somebody, headers, told, bikes, proof, leaves_first):
    def scene():
        owner, subject = somebody(), f"u-{next(_numbers)}"
        sign, wanted = headers(owner), {"partner": "bikes", "subject": subject, "proof": proof(subject)}
        bind = told(lambda: app.test_client().post("/api/v1/me/bindings", json=wanted, headers=sign))
        leave = told(lambda: app.test_client().delete("/api/v1/me", headers=sign))
        return Scene(*([leave, bind] if leaves_first else [bind, leave]), lambda: owner_of(subject))

    found = outcomes(scene)
    assert {of for *_, of in found} == {None}
    leaving, binding = [{answers[place] for *answers, _ in found} for place in ((0, 1) if leaves_first else (1, 0))]
    assert (leaving, binding) == ({"done"}, {"done", "resident-frozen", "unauthenticated"})


def owner_of(subject):
    """Whose a subject is."""
    found = db.session.scalar(text("SELECT resident_id FROM bindings WHERE subject = :subject"), {"subject": subject})
    db.session.rollback()
    return found


def kept(subject):
    """How many events wait for this subject to be bound."""
    query = text("SELECT count(*) FROM external_events WHERE subject = :subject AND resident_id IS NULL")
    found = db.session.scalar(query, {"subject": subject})
    db.session.rollback()
    return found
