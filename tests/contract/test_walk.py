"""What chance never reaches: every call that needs a story, once with success, each answer as it is described."""

import time
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db, transaction
from backend.partners.proofs import prove
from backend.residents import wechat_sandbox
from backend.residents.wechat import DaySteps
from tests import we_run
from tests.contract.described import operation_of

PASSWORD = "a long phrase that nobody guesses"
PARTNER_ID = 3
ADDRESS = {"name": "Li Na", "phone": "13800000000", "address": "12 Yingze Street"}


def ago(**span):
    return clock.rfc3339(clock.now() - timedelta(**span))


@pytest.fixture
def newcomer(ask):
    """A resident who has just signed in, with points: newcomer(name) → (id, headers)."""

    def make(name, *, owner, operator):
        token = ask("/auth/wechat", {"code": f"dev-{name}"})["token"]
        with transaction():
            resident_id = db.session.scalar(text("SELECT max(resident_id) FROM residents"))
        adjustment = ask("/admin/adjustments", {"resident_id": resident_id, "points": 5000, "reason": "x"}, operator)
        ask(f"/admin/adjustments/{adjustment['id']}/approve", None, owner())
        return resident_id, {"Authorization": f"Bearer {token}"}

    return make


def redeem(ask, code, headers, **more):
    with transaction():
        reward_id = db.session.scalar(text("SELECT id FROM rewards WHERE code = :code"), {"code": code})
    key = {"Idempotency-Key": f"{code}-{time.time()}"}
    return ask("/redemptions", {"reward_id": reward_id, "quantity": 1, **more}, headers | key)


def test_actions_are_recorded_reviewed_and_reversed(ask, newcomer, owner, operator):
    _resident_id, headers = newcomer("walker", owner=owner, operator=operator)
    photo = {"kind": "photo", "photo_sha256": "cd" * 32}
    ids = {}
    for task, evidence in (("clean_plate", photo), ("own_bag", photo), ("e_office", {"kind": "declaration"})):
        ids[task] = ask("/actions", {"task": task, "occurred_at": ago(minutes=5), "evidence": evidence}, headers)["id"]
    ask(f"/admin/actions/{ids['clean_plate']}/accept", None, owner())
    ask(f"/admin/actions/{ids['own_bag']}/refuse", {"reason": "Another meal."}, owner())
    ask(f"/admin/actions/{ids['e_office']}/reverse", {"reason": "Not done."}, owner())
    batch = [{"task": "e_office", "occurred_at": ago(days=1)}, {"task": "nothing", "occurred_at": ago(days=1)}, {}]
    outcomes = ask("/actions/batch", {"actions": batch}, headers)["results"]
    assert [outcome["status"] for outcome in outcomes] == ["credited", "refused", "refused"]
    for path in (*(f"/actions/{each}" for each in ids.values()), "/actions", "/me/wallet", "/me/wallet/entries"):
        ask(path, None, headers, method="GET")


def test_steps_are_read(ask, newcomer, owner, operator, site):
    settings = site.extensions["settings"]
    _resident_id, headers = newcomer("stepper", owner=owner, operator=operator)
    openid = wechat_sandbox.openid_of("stepper", app_id=settings.wechat_app_id)
    key = wechat_sandbox.session_key_of(openid, secret=settings.wechat_secret)
    today = clock.local_day(clock.now())
    sent = we_run.encrypt_we_run(
        key,
        app_id=settings.wechat_app_id,
        steps=[DaySteps(today - timedelta(days=2), 8000), DaySteps(today - timedelta(days=1), 900), DaySteps(today, 5)],
        now=clock.now(),
    )
    days = ask("/actions/steps", {"encrypted_data": sent.encrypted_data, "iv": sent.iv}, headers)["days"]
    assert days[0]["status"] == "credited"


def test_rewards_are_redeemed_cancelled_handed_over_and_sent(ask, newcomer, owner, operator):
    _resident_id, headers = newcomer("shopper", owner=owner, operator=operator)
    with transaction():
        kinds = dict(
            db.session.execute(text("SELECT DISTINCT ON (kind) kind, code FROM rewards ORDER BY kind, id")).all()
        )
        ids = dict(db.session.execute(text("SELECT code, id FROM rewards")).all())
    codes = {"data": f"W-{time.time()}\n", "content_type": "text/plain"}
    ask(f"/admin/rewards/{ids[kinds['voucher']]}/vouchers", None, owner(), **codes)
    assert redeem(ask, kinds["voucher"], headers)["voucher"]
    assert redeem(ask, kinds["donation"], headers)["status"] == "fulfilled"
    sent = redeem(ask, kinds["physical"], headers, delivery=ADDRESS)
    ask(f"/admin/redemptions/{sent['id']}/fulfil", None, owner())
    picked_up = redeem(ask, "cloth_bag", headers)
    ask("/admin/redemptions/pickup", {"pickup_code": picked_up["pickup_code"]}, owner())
    for canceller, body in ((headers, None), (owner(), {"reason": "Sold out at the counter."})):
        reserved = redeem(ask, "seed_kit", headers)
        ask(f"{'/admin' if body else ''}/redemptions/{reserved['id']}/cancel", body, canceller)
    for path in ("/rewards", "/redemptions", f"/redemptions/{sent['id']}"):
        ask(path, None, headers, method="GET")
    for path in ("/admin/redemptions", f"/admin/redemptions/{sent['id']}"):
        ask(path, None, owner(), method="GET")


def test_a_partner_reports_and_a_resident_binds(ask, newcomer, owner, operator):
    _resident_id, headers = newcomer("rider", owner=owner, operator=operator)
    pair = ask(f"/admin/partners/{PARTNER_ID}/keys", None, owner())
    proof = prove("rider-1", secret=pair["secret"], expires=int(time.time()) + 300)
    ask("/me/bindings", {"partner": "bikes", "subject": "rider-1", "proof": proof}, headers)
    ask("/me/bindings", None, headers, method="GET")
    ask("/me/bindings/bikes", None, headers, method="DELETE")
    ask(f"/admin/partners/{PARTNER_ID}/keys/{pair['key']}", None, owner(), method="DELETE")


def test_an_admin_signs_in_with_a_second_factor(ask, owner):
    ask("/admin/admins", {"username": "walker", "password": PASSWORD, "role": "reviewer"}, owner())
    token = ask("/admin/auth", {"username": "walker", "password": PASSWORD})["token"]
    headers = {"Authorization": f"Bearer {token}"}
    secret = ask("/admin/me/totp", {"password": PASSWORD}, headers)["secret"]
    ask("/admin/me/totp/confirm", {"otp": pyotp.TOTP(secret).now()}, headers)


def test_what_admins_make_has_its_version_also_when_it_is_made_twice(site, owner):
    wanted = {"code": "umbrella", "kind": "pickup", "price_points": 10, "title": {"zh": "x", "en": "Umbrella"}}
    headers = owner() | {"Idempotency-Key": "umbrella-1"}
    first, again = (site.test_client().post("/api/v1/admin/rewards", json=wanted, headers=headers) for _ in range(2))
    assert (again.status_code, again.json, again.headers["ETag"]) == (201, first.json, first.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"


def test_an_account_is_cancelled(ask, newcomer, owner, operator):
    resident_id, headers = newcomer("leaver", owner=owner, operator=operator)
    ask(f"/admin/residents/{resident_id}/freeze", {"reason": "for the test"}, owner())
    ask(f"/admin/residents/{resident_id}/unfreeze", {"reason": "for the test"}, owner())
    ask("/me/export", None, headers, method="GET")
    ask("/me", None, headers, method="DELETE")


def test_the_walk_knows_which_call_an_address_stands_for():
    assert operation_of("POST", "/api/v1/actions/batch")["operationId"] == "record_actions"
    assert operation_of("POST", "/api/v1/admin/redemptions/pickup")["operationId"] == "hand_over"
