"""What no client should send is refused as a problem document, never with a 500, and leaves nothing behind."""

import json
from io import BytesIO
from itertools import product

import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db

PROBLEM = "application/problem+json"
GOOD = {"task": "own_bag", "occurred_at": "2026-11-24T08:00:00Z"}
DEEP = 12_000
"""Deeper than anything is read, in a body that is small enough to be looked at."""
TAKES_JSON = {
    "/api/v1/auth/wechat": None,
    "/api/v1/actions": "resident_headers",
    "/api/v1/actions/batch": "resident_headers",
    "/api/v1/redemptions": "resident_headers",
    "/api/v1/admin/tasks": "owner",
    "/api/v1/partner/events": "signature",
}
UNREADABLE = {
    "broken JSON": b'{"task": "own_bag",',
    "nothing": b"",
    "broken UTF-8": b'{"task": "\xff\xfe"}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "12,000 opening brackets": b"[" * DEEP,
    "12,000 opening braces": b'{"a":' * DEEP,
    "NaN": b'{"task": "own_bag", "activity": {"quantity": NaN, "unit": "m"}}',
    "Infinity": b'{"task": "own_bag", "activity": {"quantity": -Infinity, "unit": "m"}}',
    "two values": b"{} {}",
    "a comment": b"{/* */}",
}
MISSHAPEN = {
    "null": b"null",
    "a list": b"[]",
    "text": b'"own_bag"',
    "a number of 5,000 digits": b'{"task": ' + b"9" * 4000 + b"}",
    "a number beyond all floats": b'{"task": "own_bag", "activity": {"quantity": 1e999, "unit": "m"}}',
    "a huge whole number": b'{"reward_id": 99999999999999999999, "quantity": 1}',
    "an unknown field": b'{"tusk": "own_bag"}',
    "a NUL in a name": b'{"a\\u0000b": 1}',
    "a NUL in a text": b'{"task": "own\\u0000bag", "code": "a\\u0000b"}',
    "half a surrogate pair": b'{"task": "\\ud800", "code": "\\ud800"}',
}


@pytest.fixture(scope="module")
def send(site, request):
    """send(path, body, content_type) → the answer to a POST by somebody who may make it."""
    client = site.test_client()

    def post(path, body, content_type="application/json", **headers):
        who = TAKES_JSON[path] and request.getfixturevalue(TAKES_JSON[path])
        known = who() if TAKES_JSON[path] == "owner" else who(body) if TAKES_JSON[path] == "signature" else who or {}
        key = {"Idempotency-Key": f"key-{clock.now().timestamp()}"}
        return client.post(path, data=body, content_type=content_type, headers=known | key | headers)

    return post


def assert_refused(answer, *statuses):
    assert answer.status_code in statuses, answer.text
    assert answer.content_type == PROBLEM
    assert {"type", "title", "status", "detail"} <= answer.json.keys()
    assert answer.json["status"] == answer.status_code


@pytest.mark.parametrize(("path", "name"), list(product(TAKES_JSON, UNREADABLE)))
def test_a_body_that_cannot_be_read_is_refused(send, path, name):
    # A partner's page is read event by event: a NaN refuses its event alone, and UTF-16 is understood.
    statuses = (400, 422) if path == "/api/v1/partner/events" else (400,)
    assert_refused(send(path, UNREADABLE[name]), *statuses)


@pytest.mark.parametrize(("path", "name"), list(product(TAKES_JSON, MISSHAPEN)))
def test_a_body_of_another_shape_is_refused(send, path, name):
    assert_refused(send(path, MISSHAPEN[name]), 400, 422)


@pytest.mark.parametrize("path", TAKES_JSON)
def test_a_body_of_ten_megabytes_is_refused(send, path):
    assert_refused(send(path, b" " * 10 * 1024 * 1024), 413)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "nonsense"]
)
@pytest.mark.parametrize("path", sorted(TAKES_JSON.keys() - {"/api/v1/partner/events"}))
def test_another_kind_of_body_is_refused(send, path, content_type):
    assert_refused(send(path, json.dumps(GOOD).encode(), content_type), 415)


@pytest.mark.parametrize("said", [{}, {"wsgi.input_terminated": True}], ids=["by itself", "as gunicorn says"])
def test_a_body_that_ends_before_its_length_is_refused(site, operator, said):
    """Its sender hung up in the middle: half a file of codes must not be taken for a whole one."""
    db.session.rollback()
    reward_id = db.session.scalar(text("SELECT id FROM rewards WHERE code = 'transit_day_pass'"))
    path = f"/api/v1/admin/rewards/{reward_id}/vouchers"
    half, said = BytesIO(b"HALF-0001\nHALF-0"), {"CONTENT_LENGTH": "100", **said}
    more = {"content_type": "text/plain", "headers": operator, "environ_overrides": said}
    assert_refused(site.test_client().post(path, input_stream=half, **more), 400)
    assert db.session.scalar(text("SELECT count(*) FROM vouchers WHERE code LIKE 'HALF-%'")) == 0
    db.session.rollback()


def test_of_a_name_that_stands_twice_the_last_value_counts(send):
    assert_refused(
        send("/api/v1/actions", b'{"task": "own_bag", "occurred_at": "2020-01-01T00:00:00Z", "task": 3}'), 422
    )
    assert (
        send("/api/v1/actions", b'{"task": 3, "occurred_at": "2020-01-01T00:00:00Z", "task": "own_bag"}').json["type"]
        == "too-old"
    )


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "键".encode().decode("latin-1")])
def test_an_idempotency_key_that_is_none_is_refused(send, key):
    answer = send("/api/v1/actions", json.dumps(GOOD).encode(), **{"Idempotency-Key": key})
    assert_refused(answer, 422)
    assert answer.json["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "path", ["/api/v1/actions", "/api/v1/auth/wechat", "/api/v1/public/totals", "/healthz", "/docs"]
)
@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(site, path, method):
    answer = site.test_client().open(path, method=method)
    assert_refused(answer, 405)
    assert {"GET", "POST"} & set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v2/actions",
        "/nothing",
        "/docs/nothing",
        "/docs/static/../routes.py",
        "/docs/static/nothing.css",
        "/api/v1/rewards/99999999999999999999",
        "/api/v1/rewards/-1",
        "/api/v1/rewards/1.5",
        "/api/v1/admin/partners/2147483648",
        "/api/v1/leaderboards/points/decade",
    ],
)
def test_an_address_that_is_not_there_is_refused(site, path):
    assert_refused(site.test_client().get(path), 404)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_beyond_64_bits_is_not_there_whatever_the_method(site, owner, method):
    answer = site.test_client().open("/api/v1/admin/rewards/9223372036854775808", method=method, headers=owner())
    assert_refused(answer, 404, 405)
    assert answer.status_code == 404 or method == "DELETE"


@pytest.mark.parametrize("path", ["/api/v1/tasks/a%00b", "/api/v1/tasks?cursor=%00", "/docs/%00"])
def test_a_nul_in_an_address_is_refused(site, resident_headers, path):
    assert_refused(site.test_client().get(path, headers=resident_headers), 400)


@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer x", "Bearer " + "x" * 4000, "Basic eDp5", "Bearer ä", "Bearer a.b.c"]
)
def test_a_token_that_is_none_is_refused(site, token):
    for path in ("/api/v1/me", "/api/v1/admin/me"):
        assert_refused(site.test_client().get(path, headers={"Authorization": token}), 401)


def test_nothing_was_left_behind(site, resident_headers):
    """Runs last: of all that was refused above, nothing is in the books."""
    db.session.rollback()
    count = db.session.scalar(text("SELECT count(*) FROM actions WHERE happened_at < '2026-01-01'"))
    db.session.rollback()
    assert count == 0
