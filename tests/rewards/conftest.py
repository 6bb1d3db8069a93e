"""A shop for tests: rewards of any terms, residents with points, and asking over HTTP."""

import time
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest

from backend import clock, redis
from backend.database import db, transaction
from backend.ledger import service as ledger
from backend.ledger.service import Reference
from backend.rewards import configuring, sold_out, vouchers
from backend.rewards.models import Reward
from tests.rewards.stock_books import check_books
from tests.sent_statements import noticed

DELIVERY = {"name": "Li Na", "phone": "13800000000", "address": "12 Yingze Street"}
_numbers = count(1)


@pytest.fixture
def new_reward(app):
    """new_reward("pickup", stock=3, price_points=100, …) → a Reward; vouchers get `stock` codes."""

    def make(kind="pickup", *, stock=None, **terms):
        number = next(_numbers)
        wanted = {
            "code": f"gift_{number}",
            "kind": kind,
            "stock": None if kind == "voucher" else stock,
            "title": {"zh": f"zh {number}", "en": f"Gift {number}"},
            "description": {"zh": "", "en": ""},
            "images": [],
            "price_points": 100,
            "limit_per_resident": None,
            "limit_period": "ever",
            "on_sale_from": None,
            "on_sale_until": None,
            "min_level": "seed",
            "hold_days": 30,
            "active": True,
            **terms,
        }
        with transaction():
            reward = configuring.create(wanted, by="admin:test")
        if kind == "voucher" and stock:
            with transaction():
                codes = "\n".join(f"CODE-{number}-{place:04d}" for place in range(stock))
                vouchers.load(reward_id=reward.id, text=codes, by="admin:test")
        return reward

    return make


@pytest.fixture
def give(app, settings):
    """give(resident, 100) posts points, so many days ago."""

    def post(resident, points, *, days_ago=0):
        with transaction():
            wallet = ledger.lock_wallet(resident.resident_id)
            reference = Reference("adjustment", next(_numbers))
            now = clock.now() - timedelta(days=days_ago)
            ledger.adjust(wallet, points=points, reference=reference, now=now, settings=settings)

    return post


@pytest.fixture
def redeem(app, headers):
    """redeem(resident, reward) → the answer of POST /redemptions, with a new key unless one is given."""

    def send(resident, reward, *, key=None, client=None, **body):
        key = key or f"key-{next(_numbers)}"
        return (client or app.test_client()).post(
            "/api/v1/redemptions",
            json={"reward_id": reward.id, **body},
            headers={**headers(resident), "Idempotency-Key": key},
        )

    return send


@pytest.fixture
def balance(app):
    """balance(resident) → (balance, held) as they are committed."""

    def read(resident):
        with transaction():
            wallet = ledger.lock_wallet(resident.resident_id)
            found = wallet.balance, wallet.held
            db.session.rollback()
        return found

    return read


@pytest.fixture
def stock(app):
    """stock(reward) → pieces left, as committed."""

    def read(reward):
        db.session.rollback()
        return db.session.get(Reward, reward.id, populate_existing=True).stock

    return read


@pytest.fixture(autouse=True)
def _books_add_up_after_each_test(app):
    yield
    db.session.rollback()
    check_books()


@pytest.fixture
def long_marks(monkeypatch):
    """Marks and guards outlast any test: what comes back must be had without waiting for them to end."""
    monkeypatch.setattr(sold_out, "SOLD_OUT_S", 60)
    monkeypatch.setattr(sold_out, "GUARD_S", 60)


@pytest.fixture
def end_guard(app):
    """end_guard(reward): as if GUARD_S were over since its stock last came back."""
    return lambda reward: redis.client().delete(redis.SOLD_OUT.format(reward_id=reward.id))


@pytest.fixture
def sent():
    """The SQL of every statement that is sent, by whatever way."""
    seen = []
    with noticed(lambda _, statement, __: seen.append(statement)):
        yield seen


@pytest.fixture
def clockwork(monkeypatch):
    """Time as the marks see it: `now` goes on as the test says, or by waiting; `waits` are what was waited for."""
    work = SimpleNamespace(now=time.monotonic(), waits=[])

    def sleep(seconds):
        work.waits.append(seconds)
        work.now += seconds

    monkeypatch.setattr(sold_out, "time", SimpleNamespace(monotonic=lambda: work.now, sleep=sleep))
    return work
