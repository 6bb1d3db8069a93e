"""Who may send: signed, in time, once."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from backend import clock
from backend.database import db, transaction
from backend.partners import auth, cleaning
from tests.together import together

URL = "/api/v1/partner/events"
BODY = json.dumps({"events": []}).encode()


@pytest.fixture
def refused(client):
    def check(headers, *, body=BODY, status=401, naming):
        answer = client.post(URL, data=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.content_type == "application/problem+json"
        problem = answer.get_json()
        assert problem["type"] == ("unauthenticated" if status == 401 else "forbidden")
        assert naming in problem["detail"], problem["detail"]

    return check


@pytest.fixture(autouse=True)
def _in_english(client):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"


def test_a_signed_page_is_taken(client, signed_headers):
    assert client.post(URL, data=BODY, headers=signed_headers(BODY)).status_code == 200


@pytest.mark.parametrize("name", ["X-Partner-Key", "X-Timestamp", "X-Nonce", "X-Signature"])
@pytest.mark.parametrize("value", [None, "", "x" * 101, "é"])
def test_a_missing_or_malformed_header_is_named(refused, signed_headers, name, value):
    given = signed_headers(BODY)
    given[name] = value
    refused({key: text for key, text in given.items() if text is not None}, naming=name)


@pytest.mark.parametrize("signature", ["0" * 63, "0" * 65, "G" * 64, "A" * 64])
def test_a_signature_is_sixty_four_digits_in_lower_case(refused, signed_headers, signature):
    refused({**signed_headers(BODY), "X-Signature": signature}, naming="64 hexadecimal digits")


@pytest.mark.parametrize("timestamp", ["1.5", "-1", "now", "1" * 13])
def test_a_timestamp_is_whole_seconds(refused, signed_headers, timestamp):
    refused(signed_headers(BODY, timestamp=timestamp), naming="whole seconds")


@pytest.mark.parametrize(("skew", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_five_minutes_of_skew_are_allowed(client, signed_headers, skew, status):
    with time_machine.travel(int(time.time()), tick=False):
        headers = signed_headers(BODY, timestamp=str(int(time.time()) + skew))
        assert client.post(URL, data=BODY, headers=headers).status_code == status


def test_another_body_or_secret_does_not_match(refused, signed_headers):
    refused(signed_headers(BODY), body=BODY + b" ", naming="does not match")
    refused(signed_headers(BODY, secret="another"), naming="does not match")


def test_a_nonce_is_good_once(client, refused, signed_headers):
    headers = signed_headers(BODY, nonce="once-only")
    assert client.post(URL, data=BODY, headers=headers).status_code == 200
    refused(headers, naming="once-only")


def test_a_nonce_is_remembered_until_its_timestamp_is_refused_by_itself(client, refused, signed_headers, monkeypatch):
    moment = datetime.fromtimestamp(int(time.time()), UTC)
    headers = signed_headers(BODY, timestamp=str(int(moment.timestamp()) + auth.MAX_SKEW_S), nonce="ahead")
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert client.post(URL, data=BODY, headers=headers).status_code == 200
    for later, naming in ((590, "ahead"), (600, "ahead"), (601, "X-Timestamp is more than")):
        now = moment + timedelta(seconds=later)
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        with transaction():
            cleaning.forget_nonces(before=now - cleaning.NONCES_KEPT, limit=10)
        refused(headers, naming=naming)


def test_a_nonce_is_good_once_of_eight_at_the_same_moment(app, signed_headers):
    headers = signed_headers(BODY)
    post = lambda: app.test_client().post(URL, data=BODY, headers=headers).status_code  # noqa: E731
    assert sorted(together(app, [post] * 8)) == [200, *[401] * 7]


def test_a_request_that_came_to_nothing_may_be_sent_again(client, signed_headers):
    headers = signed_headers(b"[]", nonce="again")
    assert client.post(URL, data=b"[]", headers=headers).status_code == 422
    assert client.post(URL, data=b"[]", headers=headers).status_code == 422


def test_an_unknown_and_a_revoked_key_are_told_apart(refused, signed_headers, bikes):
    refused({**signed_headers(BODY), "X-Partner-Key": "pk_other"}, naming="no such X-Partner-Key")
    with transaction():
        session = db.session()
        session.merge(bikes.key_row).revoked_at = clock.now()
    refused(signed_headers(BODY), naming="revoked")


def test_an_inactive_partner_is_refused_only_with_a_good_signature(refused, signed_headers, bikes):
    with transaction():
        session = db.session()
        session.merge(bikes.row).active = False
    refused(signed_headers(BODY), status=403, naming="not active")
    refused(signed_headers(BODY, secret="another"), naming="does not match")


def test_a_secret_lies_sealed_in_the_database(bikes):
    assert bikes.secret not in bikes.key_row.secret
