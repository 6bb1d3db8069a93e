"""Keys of requests, beside what `contract/test_twice.py` asks of every route."""

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from flask import jsonify, request
from sqlalchemy import select, text

from backend import clock
from backend.admins import auth as admin_auth
from backend.admins.models import AdminIdempotencyKey
from backend.database import db, transaction
from backend.residents import auth
from backend.residents.models import IdempotencyKey
from backend.web.idempotency import answer_once, of_request


def test_who_has_claimed_a_key_waits_for_other_locks_as_long_as_everybody(app, resident):
    def patience():
        return jsonify(db.session.scalar(text("SHOW lock_timeout")))

    with app.test_request_context(method="POST", headers={"Idempotency-Key": "mine"}), transaction():
        answer = answer_once(IdempotencyKey, {"resident_id": resident.resident_id}, patience)
    assert answer.json == "5s"


CLAIMED = """
INSERT INTO admin_idempotency_keys (admin_id, key, request_hash, created_at)
SELECT id, 'the-same', '', now() FROM admins WHERE username = 'owner'
"""


def test_who_has_waited_for_the_first_request_in_vain_is_told_that_it_is_in_flight(ways):
    with db.engine.connect() as first:
        assert first.execute(text(CLAIMED)).rowcount == 1
        refused = ways["an admin"]()
        first.rollback()
    assert (refused.status_code, refused.json["type"]) == (409, "idempotency-in-flight")
    assert ways["an admin"]().status_code == 201


NEW_KEY, PASSWORD = "another-key-" * 4, "a long enough password"


@pytest.fixture
def change_keys(app, monkeypatch):
    """change_keys(fallback=True): from now on there is another SECRET_KEY, the former one among the fallbacks."""
    usual = app.extensions["settings"]

    def change(*, fallback):
        former = (usual.secret_key,) if fallback else ()
        changed = replace(usual, secret_key=NEW_KEY, secret_key_fallbacks=former)
        monkeypatch.setitem(app.extensions, "settings", changed)

    return change


@pytest.fixture
def ways(client, resident, give, new_reward, new_admin):
    """Way in → a call that sends the same request with the same key each time: those that store answers differently."""
    give(resident, 100)
    action = {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now() - timedelta(hours=2))}
    newcomer = {"username": "newcomer", "role": "auditor", "password": PASSWORD}
    owner, gift = new_admin("owner"), new_reward(stock=2)

    def post(path, body, issue, who):
        # Tokens go by the present key alone.
        signed = {"Authorization": f"Bearer {issue(who).token}", "Idempotency-Key": "the-same"}
        return client.post(f"/api/v1{path}", json=body, headers=signed)

    return {
        "one action": lambda: post("/actions", action, auth.issue, resident),
        "actions": lambda: post("/actions/batch", {"actions": [action]}, auth.issue, resident),
        "a redemption": lambda: post("/redemptions", {"reward_id": gift.id}, auth.issue, resident),
        "an admin": lambda: post("/admin/admins", newcomer, admin_auth.issue, owner),
    }


@pytest.mark.parametrize("way", ["one action", "actions", "a redemption", "an admin"])
@pytest.mark.parametrize("fallback", [True, False])
def test_a_request_is_known_again_under_another_key_if_the_former_one_is_set(ways, change_keys, way, fallback):
    first = ways[way]()
    assert first.status_code < 300, first.json
    change_keys(fallback=fallback)
    again = ways[way]()
    if fallback:
        assert (again.status_code, again.json) == (first.status_code, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"
    else:
        assert again.json["type"] == "idempotency-key-reused"


def test_the_hash_that_is_kept_tells_nothing_of_a_password_to_who_has_no_secret(client, admin_headers):
    path, body = "/api/v1/admin/admins", {"username": "newcomer", "role": "auditor", "password": PASSWORD}
    sent = {"data": json.dumps(body), "content_type": "application/json"}
    answer = client.post(path, **sent, headers=admin_headers("owner") | {"Idempotency-Key": "mine"})
    assert answer.status_code == 201, answer.json
    stored = db.session.scalars(select(AdminIdempotencyKey.request_hash)).one()
    assert stored != sha256("\n".join(("POST", path, sent["data"])).encode()).hexdigest()


FORMS = [
    {"file": (b"A", "codes.txt")},
    {"file": (b"B", "codes.txt")},
    {"other": (b"A", "codes.txt")},
    {"file": "A"},
    {"file": (b"", "codes.txt"), "other": (b"A", "codes.txt")},
    {"file": [(b"A", "codes.txt"), (b"B", "codes.txt")]},
    {"file": [(b"AB", "codes.txt"), (b"", "codes.txt")]},
    b"no part that can be read",
    b"nor here",
]


def test_a_form_is_told_from_others_by_its_parts_whatever_stands_between_them(app):
    def opened(value):
        if isinstance(value, list):
            return [opened(one) for one in value]
        return (BytesIO(value[0]), *value[1:]) if isinstance(value, tuple) else value

    def told(form):
        data = form if isinstance(form, bytes) else {name: opened(value) for name, value in form.items()}
        kind = "Multipart/Form-Data; boundary=x" if data is form else "multipart/form-data"
        sent = {"headers": {"Idempotency-Key": "mine"}, "content_type": kind}
        with app.test_request_context(method="POST", data=data, **sent):
            found = of_request().hash
            # What was read for it is there for the view.
            files = request.files.values() if "file" in request.files else []
            assert all(file.tell() == 0 for file in files)
        return found

    hashes = [told(form) for form in FORMS]
    assert len(set(hashes)) == len(FORMS)
    assert [told(form) for form in FORMS] == hashes


@pytest.mark.parametrize("elsewhere", [{"path": "/there"}, {"method": "PATCH"}])
def test_what_is_sent_elsewhere_is_another_request(app, elsewhere):
    def told(**sent):
        given = {"path": "/here", "method": "POST", "data": b"{}", "headers": {"Idempotency-Key": "mine"}}
        with app.test_request_context(**{**given, **sent}):
            return of_request().hash

    assert told(**elsewhere) != told() == told()


def test_another_secret_gives_another_hash_and_the_same_the_same(app, change_keys):
    def asked():
        with app.test_request_context(method="POST", data=b"{}", headers={"Idempotency-Key": "mine"}):
            return of_request()

    before = asked()
    assert asked() == before
    assert (len(before.hash), before.former) == (64, ())
    change_keys(fallback=True)
    assert asked().hash != before.hash
    assert asked().former == (before.hash,)
