"""A partner with a key, and the events that it sends."""

import json
import secrets
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from backend import clock
from backend.actions.ingest.newcomers import bind_newcomers
from backend.database import db, transaction
from backend.partners import auth, proofs
from backend.partners import service as partners

URL = "/api/v1/partner/events"


@pytest.fixture
def bikes(app):
    """The partner of shared bikes, with its key and secret as plain values."""
    with transaction():
        partner = partners.find("bikes")
        key, secret = partners.new_key(partner, now=clock.now())
    return SimpleNamespace(id=partner.id, row=partner, key=key.key, secret=secret, key_row=key)


@pytest.fixture
def signed_headers(bikes):
    """signed_headers(body, …) → the headers of a request that the partner signed."""

    def make(body, *, timestamp=None, nonce=None, secret=None):
        timestamp = str(int(time.time())) if timestamp is None else timestamp
        nonce = nonce or secrets.token_hex(8)
        signature = auth.sign(body, secret=secret or bikes.secret, timestamp=timestamp, nonce=nonce)
        return {
            "X-Partner-Key": bikes.key,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": signature,
            "Content-Type": "application/json",
        }

    return make


@pytest.fixture
def send(client, signed_headers):
    """send(events) → the answer to a page, as a dictionary."""

    def post(events, *, status=200):
        body = json.dumps({"events": events}).encode()
        answer = client.post(URL, data=body, headers=signed_headers(body))
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return post


@pytest.fixture
def ride():
    """ride(id, …) → an event: two kilometres in a quarter of an hour, so many hours ago."""

    def make(external_id, *, subject="u-1", hours_ago=10.0, minutes=15, metres=2000, **changes):
        began = clock.now() - timedelta(hours=hours_ago)
        given = {
            "external_id": external_id,
            "subject": subject,
            "task": "bike_ride",
            "started_at": began.isoformat(),
            "ended_at": (began + timedelta(minutes=minutes)).isoformat(),
            "activity": {"quantity": metres, "unit": "m"},
        }
        return {**given, **changes}

    return make


@pytest.fixture
def known(bikes):
    """Makes residents for subjects of the partner: known("u-1", "u-2")."""

    def make(*subjects):
        with transaction():
            bind_newcomers(subjects, partner=bikes.row, now=clock.now())

    return make


@pytest.fixture
def proof(bikes):
    """proof(subject) → the partner's proof that its bearer is that subject."""
    return lambda subject, ahead=300: proofs.prove(subject, secret=bikes.secret, expires=int(time.time()) + ahead)


@pytest.fixture
def bind(client, headers, proof):
    """bind(resident, subject) → the answer to binding it."""

    def post(resident, subject, *, status=201, **changes):
        wanted = {"partner": "bikes", "subject": subject, "proof": proof(subject), **changes}
        answer = client.post("/api/v1/me/bindings", json=wanted, headers=headers(resident))
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return post


@pytest.fixture
def rows(app):
    """rows(sql) → all rows of a query, in a transaction of its own."""

    def fetch(sql, **values):
        with transaction():
            session = db.session()
            return [tuple(row) for row in session.execute(db.text(sql), values)]

    return fetch
