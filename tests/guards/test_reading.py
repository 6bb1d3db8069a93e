"""GET never writes: every such route is called by somebody who may, while PostgreSQL refuses all writing."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from backend import clock, openapi
from backend.admins import auth as admins_auth
from backend.admins import managing
from backend.database import db, transaction
from backend.openapi.describing import calls

DESCRIBED = re.compile(r"^/api/v1/(?!openapi)")
CODES = {"tasks": "own_bag", "factors": "travel_bike", "methodologies": "bike_ride"}
IDS = {"partner_id": "1", "reward_id": "1", "metric": "points", "period": "week"}


@pytest.fixture
def people(app, client, new_resident, headers):
    """Headers by kind of caller: a resident with an action and a redemption's worth of points, and an owner."""
    resident = new_resident("reader")
    known = headers(resident)
    at = clock.rfc3339(clock.now() - timedelta(minutes=5))
    assert client.post("/api/v1/actions", json={"task": "own_bag", "occurred_at": at}, headers=known).status_code == 201
    with transaction():
        owner = managing.create(username="owner", password="a long phrase that nobody guesses", role="owner", by="test")
        admin = {"Authorization": f"Bearer {admins_auth.issue(owner).token}"}
    ids = IDS | {
        "resident_id": str(resident.resident_id),
        "action_id": f"{resident.resident_id}-1",
        "admin_id": str(owner.id),
    }
    return {"public": {}, "resident": known, "admin": admin}, ids


@pytest.fixture
def read_only(app):
    """All connections of the pool refuse to write while this lasts."""

    def refuse(connection, _record, _proxy):
        connection.read_only = True

    def allow(connection, _record):
        if connection is not None and not connection.closed:
            connection.rollback()
            connection.read_only = None

    db.session.rollback()
    db.session.remove()
    for engine in db.engines.values():
        event.listen(engine, "checkout", refuse)
        event.listen(engine, "checkin", allow)
    yield
    db.session.remove()
    for engine in db.engines.values():
        event.remove(engine, "checkout", refuse)
        event.remove(engine, "checkin", allow)


def address(path, ids):
    code = next((code for part, code in CODES.items() if f"/{part}/" in path), "none")
    return re.sub(r"{(\w+)}", lambda found: ids.get(found[1], code if found[1] == "code" else "1-1"), path)


def reads(app):
    for path, method, call in calls(openapi.describe(app)):
        if method == "get":
            caller = next((kind for needed in call["security"] for kind in needed), "public")
            yield path, caller
    yield from (
        (rule.rule, "public")
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods and not DESCRIBED.match(rule.rule) and not rule.arguments
    )


def test_the_guard_itself_notices_a_write(client, people, read_only):
    callers, _ids = people
    answer = client.patch("/api/v1/me", json={"nickname": "writer"}, headers=callers["resident"])
    assert answer.status_code == 503


def test_no_get_writes(app, client, people, read_only):
    callers, ids = people
    asked, answered = 0, 0
    for path, caller in reads(app):
        answer = client.get(address(path, ids), headers=callers[caller])
        assert answer.status_code < 500, f"GET {path} writes, or fails: {answer.text}"
        asked += 1
        answered += answer.status_code == 200
    assert answered > 0.8 * asked
    assert asked > 40
