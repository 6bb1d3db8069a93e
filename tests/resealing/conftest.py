"""A site with one of everything that is sealed, made by the calls that seal it, and a change of its SECRET_KEY."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pyotp
import pytest
from sqlalchemy import select, update

from backend import clock
from backend.admins.models import Admin
from backend.database import db, transaction
from backend.partners.auth import sign
from backend.residents.models import Resident
from tests.conftest import PASSWORD
from tests.rewards.conftest import DELIVERY, give, new_reward, redeem  # noqa: F401

NEW = "a-newer-key-" * 3
CUPS = {"code": "cup_shops", "title": {"zh": "cups", "en": "Coffee shops"}, "tier": "partner", "tasks": ["own_cup"]}


@pytest.fixture
def change_key(app, monkeypatch):
    """change_key() → the site has SECRET_KEY NEW and its first as a fallback; `key`, `fallbacks`: others."""
    first = app.extensions["settings"]

    def change(key=NEW, *, fallbacks=(first.secret_key,)):
        changed = replace(first, secret_key=key, secret_key_fallbacks=fallbacks)
        monkeypatch.setitem(app.extensions, "settings", changed)

    return change


@pytest.fixture
def secrets(app):
    """secrets("reseal", status=0) → what `flask secrets` says; the session sees what it did."""

    def run(*words, status=0):
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["secrets", *words])
        assert result.exit_code == status, result.output
        db.session.rollback()
        db.session.expire_all()
        return result.output

    return run


@pytest.fixture
def sign_in(client):
    """sign_in(name) → the answer of a sign-in with WeChat, which leaves a session key."""
    return lambda name="dev-lin": client.post("/api/v1/auth/wechat", json={"code": name}).json


@pytest.fixture
def one_of_each(client, new_admin, sign_in, new_reward, give, redeem):  # noqa: F811
    """One of everything that is sealed, each by its own call; gives what it takes to use them."""
    token = sign_in()["token"]
    resident = db.session.scalars(select(Resident)).one()
    give(resident, 1_000)
    redeemed = redeem(resident, new_reward("physical", stock=3), delivery=DELIVERY)
    assert redeemed.status_code == 201, redeemed.text

    new_admin()
    auth = _admin(client)
    secret = _second_factor(client, auth)
    confirmed = {"otp": pyotp.TOTP(secret).at(clock.now())}
    assert client.post("/api/v1/admin/me/totp/confirm", json=confirmed, headers=auth).status_code == 200
    code = pyotp.TOTP(secret)
    auth = _admin(client, otp=_anew(code))
    pending = _second_factor(client, auth, otp=_anew(code))

    partner = client.post("/api/v1/admin/partners", json=CUPS, headers=auth).json
    keys = f"/api/v1/admin/partners/{partner['id']}/keys"
    key = client.post(keys, headers={**auth, "Idempotency-Key": "k-1"})
    assert key.status_code == 201, key.text
    return SimpleNamespace(
        resident=resident, token=token, admin=auth, second_factor=secret, pending=pending, keys=keys, key=key.json
    )


@pytest.fixture
def feed(client, one_of_each):
    """feed() → the status of an empty page that the partner has signed."""
    numbers = iter(range(100))

    def send():
        body, at, nonce = json.dumps({"events": []}).encode(), str(int(time.time())), f"nonce-{next(numbers)}"
        known = {"X-Partner-Key": one_of_each.key["key"], "X-Timestamp": at, "X-Nonce": nonce}
        known["X-Signature"] = sign(body, secret=one_of_each.key["secret"], timestamp=at, nonce=nonce)
        return client.post("/api/v1/partner/events", data=body, content_type="application/json", headers=known)

    return send


@pytest.fixture
def several(new_resident):
    """several(7) → so many residents with a session key each, sealed by `seal`."""

    def make(count, seal):
        made = [new_resident(f"r{number}") for number in range(count)]
        with transaction():
            for resident in made:
                resident.session_key = seal(f"session {resident.resident_id}")
                db.session.add(resident)
        return made

    return make


def _admin(client, **otp):
    answer = client.post("/api/v1/admin/auth", json={"username": "owner", "password": PASSWORD, **otp})
    return {"Authorization": f"Bearer {answer.json['token']}"}


def _second_factor(client, auth, **otp):
    return client.post("/api/v1/admin/me/totp", json={"password": PASSWORD, **otp}, headers=auth).json["secret"]


def _anew(code):
    """The code of the present step, which may have been used before."""
    with transaction():
        db.session.execute(update(Admin).values(totp_last_step=None))
    return code.at(clock.now())
