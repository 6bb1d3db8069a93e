"""One populated site for all contract tests of a module: requests may change it as they like."""

import secrets
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from backend import clock, defaults
from backend.admins import auth as admins_auth
from backend.admins import managing
from backend.admins.models import Admin
from backend.database import db, transaction
from backend.partners.auth import sign
from tests.contract.described import assert_described
from tests.emptying import empty

DAYS_BACK = 3
TASKS = ("clean_plate", "own_bag", "e_office")
PHOTO = {"kind": "photo", "photo_sha256": "ab" * 32}
PARTNER_ID = 3
REWARDS = {"transit_day_pass": "voucher", "cloth_bag": "pickup"}


@pytest.fixture(scope="module")
def site(migrated_app):
    """The application with the default catalogue and a little of everything in it."""
    with migrated_app.app_context():
        empty(migrated_app)
        with transaction():
            defaults.load()
            for role in ("operator", "reviewer", "fulfiller", "owner"):
                managing.create(username=role, password="a long phrase that nobody guesses", role=role, by="test")
        yield migrated_app
        db.session.rollback()
        empty(migrated_app)


@pytest.fixture(scope="module")
def ask(site):
    """ask(path, body, headers) → what the answer holds, which must be a success and as described; a POST by default."""
    client = site.test_client()

    def send(path, body=None, headers=None, *, method="POST", **more):
        answer = client.open(f"/api/v1{path}", method=method, json=body, headers=headers, **more)
        assert answer.status_code < 300, f"{path}: {answer.text}"
        assert_described(answer, method=method, path=f"/api/v1{path}")
        return answer.json if answer.data else None

    return send


@pytest.fixture(scope="module")
def owner(site):
    """owner() → headers of an admin who may do everything, whatever the requests before have done to it."""

    def headers():
        with transaction():
            admin = db.session.scalar(select(Admin).where(Admin.username == "owner"))
            admin.role, admin.disabled_at = "owner", None
            return {"Authorization": f"Bearer {admins_auth.issue(admin).token}"}

    return headers


@pytest.fixture(scope="module")
def operator(site):
    """Headers of an admin who asks for what the owner then decides."""
    with transaction():
        admin = db.session.scalar(select(Admin).where(Admin.username == "operator"))
        return {"Authorization": f"Bearer {admins_auth.issue(admin).token}"}


@pytest.fixture(scope="module")
def resident_headers(site, ask, owner, operator):
    """Headers of a resident with actions, points, redemptions and a photo that waits for review."""
    signed_in = ask("/auth/wechat", {"code": "dev-contract"})
    headers = {"Authorization": f"Bearer {signed_in['token']}"}
    for days in range(DAYS_BACK):
        for task in TASKS:
            at = clock.rfc3339(clock.now() - timedelta(days=days, minutes=1))
            photo = {"evidence": PHOTO} if task == "clean_plate" and days == 0 else {}
            ask("/actions", {"task": task, "occurred_at": at, **photo}, headers)
    with transaction():
        resident_id = db.session.scalar(text("SELECT max(resident_id) FROM residents"))
    wanted = {"resident_id": resident_id, "points": 5000, "reason": "for the test"}
    adjustment = ask("/admin/adjustments", wanted, operator)
    ask(f"/admin/adjustments/{adjustment['id']}/approve", {}, owner())
    for _again in range(2):
        ask("/admin/adjustments", wanted, operator)
    ask("/admin/areas", {"code": "binhe", "title": {"zh": "x", "en": "Binhe"}}, operator)
    _redeem(ask, headers, operator)
    return headers


@pytest.fixture(scope="module")
def signature(site, ask, owner):
    """signature(body) → the headers of a signed request."""
    pair = ask(f"/admin/partners/{PARTNER_ID}/keys", None, owner())

    def headers(body):
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signed = sign(body, secret=pair["secret"], timestamp=timestamp, nonce=nonce)
        names = ("X-Partner-Key", "X-Timestamp", "X-Nonce", "X-Signature")
        return dict(zip(names, (pair["key"], timestamp, nonce, signed), strict=True))

    return headers


def _redeem(ask, headers, operator):
    with transaction():
        ids = {row.code: row.id for row in db.session.execute(text("SELECT code, id FROM rewards"))}
    voucher, pickup = (ids[code] for code in REWARDS)
    codes = {"data": "AB12-CD34\nEF56-GH78\n", "content_type": "text/plain"}
    ask(f"/admin/rewards/{voucher}/vouchers", None, operator, **codes)
    ask(f"/admin/rewards/{pickup}/stock", {"delta": 5, "reason": "for the test"}, operator)
    for reward_id in (voucher, pickup):
        key = {"Idempotency-Key": secrets.token_hex(8)}
        ask("/redemptions", {"reward_id": reward_id, "quantity": 1}, headers | key)
