"""A rush on what is sold out: refused without a transaction, and wrongly never."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from backend import clock, redis
from backend.database import transaction
from backend.rewards import deciding, sold_out, stocking, vouchers
from tests.sent_statements import noticed


@pytest.fixture
def long_marks(monkeypatch):
    """Marks and guards outlast any test: what comes back must be had without waiting for them to end."""
    monkeypatch.setattr(sold_out, "SOLD_OUT_S", 60)
    monkeypatch.setattr(sold_out, "GUARD_S", 60)


def end_guard(reward):
    """As if GUARD_S were over since stock last came back."""
    redis.client().delete(redis.SOLD_OUT.format(reward_id=reward.id))


@pytest.mark.usefixtures("long_marks")
def test_sold_out_then_restocked_can_be_had_at_once(app, new_reward, resident, give, redeem, stock):
    give(resident, 1000)
    reward = new_reward(stock=1)
    assert redeem(resident, reward).status_code == 201
    for _ in range(3):
        assert redeem(resident, reward).json["type"] == "out-of-stock"
    assert redis.client().get(redis.SOLD_OUT.format(reward_id=reward.id)) == "1"
    with transaction():
        stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
    assert redeem(resident, reward).status_code == 201


@pytest.mark.usefixtures("long_marks")
def test_a_reader_of_the_old_stock_cannot_mark_it_sold_out_while_stock_comes_back(
    app, new_reward, resident, give, redeem
):
    give(resident, 1000)
    reward = new_reward(stock=1)
    redeem(resident, reward)
    asked, answers = threading.Event(), []

    def ask_in_between():
        with app.app_context():
            answers.append(redeem(resident, reward).json["type"])
        asked.set()

    with transaction():
        stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
        threading.Thread(target=ask_in_between).start()
        assert asked.wait(10)
    assert answers == ["out-of-stock"]
    assert redeem(resident, reward).status_code == 201


@pytest.mark.usefixtures("long_marks")
def test_what_is_cancelled_can_be_had_by_another_at_once(app, new_reward, resident, new_resident, give, redeem):
    other = new_resident("other")
    reward = new_reward(stock=1)
    for person in (resident, other):
        give(person, 100)
    redeem(resident, reward)
    assert redeem(other, reward).json["type"] == "out-of-stock"
    with transaction():
        deciding.cancel(resident.resident_id, 1, by="resident")
    assert redeem(other, reward).status_code == 201


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


@pytest.mark.usefixtures("long_marks")
def test_an_early_refusal_costs_the_database_nothing(app, new_reward, resident, redeem, sent, clockwork):
    reward = new_reward(stock=0)
    for _ in range(2):
        assert redeem(resident, reward).json["type"] == "out-of-stock"
    sent.clear()
    for _ in range(20):
        assert redeem(resident, reward).json["type"] == "out-of-stock"
    assert not sent


@pytest.mark.usefixtures("long_marks")
def test_a_crowd_costs_redis_and_postgresql_one_look_in_a_tenth_of_a_second(
    app, new_reward, resident, new_resident, give, redeem, monkeypatch, sent, clockwork
):
    give(resident, 1000)
    reward, late = new_reward(stock=1), new_resident("late")
    redeem(resident, reward)
    redeem(late, reward)
    asked = []
    ask = redis.ask
    monkeypatch.setattr(redis, "ask", lambda *words: (asked.append(words), ask(*words))[1])
    sent.clear()
    for looks in range(1, 4):
        for _ in range(20):
            assert redeem(late, reward).json["type"] == "out-of-stock"
        assert len(asked) == looks
        # The takers once, for the row has not changed since.
        assert len(sent) == 1 + looks, sent
        clockwork.now += sold_out.SEEN_S


@pytest.mark.usefixtures("long_marks")
@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_who_had_the_last_piece_gets_the_first_answer_again_however_often_it_comes_back(
    app, new_reward, new_resident, give, redeem, kind
):
    reward, late = new_reward(kind, stock=1), new_resident("late")
    give(late, 100)
    takers = []
    for turn in range(3):
        end_guard(reward)
        taker = new_resident(f"taker {turn}")
        takers.append(taker)
        give(taker, 100)
        first = redeem(taker, reward, key="mine")
        assert first.status_code == 201, first.json
        for _ in range(2):
            assert redeem(late, reward).json["type"] == "out-of-stock"
        assert app.extensions["sold_out"][reward.id].takers == {before.resident_id for before in takers}
        again = redeem(taker, reward, key="mine")
        assert (again.status_code, again.json) == (201, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"
        if kind == "voucher":
            with transaction():
                vouchers.load(reward_id=reward.id, text=f"MORE-{turn}", by="admin:test")
        else:
            with transaction():
                stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")


@pytest.mark.usefixtures("long_marks")
def test_who_called_a_redemption_off_gets_the_first_answer_again(app, new_reward, resident, new_resident, give, redeem):
    reward, other = new_reward(stock=1), new_resident("other")
    for person in (resident, other):
        give(person, 100)
    first = redeem(resident, reward, key="mine")
    with transaction():
        deciding.cancel(resident.resident_id, 1, by="resident")
    assert redeem(other, reward).status_code == 201
    end_guard(reward)
    for _ in range(2):
        assert redeem(new_resident("late"), reward).json["type"] == "out-of-stock"
    assert app.extensions["sold_out"][reward.id].takers == {resident.resident_id, other.resident_id}
    assert redeem(resident, reward, key="mine").json == first.json
    assert redeem(resident, reward, key="another").json["type"] == "out-of-stock"


RESTOCKING = {
    "moved by an admin": lambda reward, _: stocking.move(reward.id, delta=1, reason="restocked", by="admin:test"),
    "called off": lambda _, taker: deciding.cancel(taker.resident_id, 1, by="resident"),
    "not collected": lambda _reward, _taker: deciding.expire_reserved(clock.now() + timedelta(days=31), 10),
    "more codes": lambda reward, _: vouchers.load(reward_id=reward.id, text="MORE", by="admin:test"),
}


@pytest.mark.usefixtures("long_marks")
@pytest.mark.parametrize("way", RESTOCKING)
def test_no_process_goes_by_what_it_saw_before_once_stock_is_back(
    app, new_reward, resident, new_resident, give, redeem, way
):
    reward, taker = new_reward("voucher" if way == "more codes" else "pickup", stock=1), new_resident("taker")
    for person in (resident, taker):
        give(person, 100)
    end_guard(reward)
    assert redeem(taker, reward).status_code == 201
    for _ in range(2):
        assert redeem(resident, reward).json["type"] == "out-of-stock"
    with transaction():
        # As late as may be: what another process sees now it goes by for SEEN_S.
        app.extensions["sold_out"].clear()
        assert redeem(resident, reward, client=app.test_client()).json["type"] == "out-of-stock"
        elsewhere = dict(app.extensions["sold_out"])
        RESTOCKING[way](reward, taker)
    assert elsewhere.keys() == {reward.id}
    app.extensions["sold_out"].update(elsewhere)
    assert redeem(resident, reward).status_code == 201


def test_nobody_waits_where_something_is_left(app, new_reward, resident, give, redeem, clockwork):
    give(resident, 300)
    reward = new_reward(stock=3)
    for _ in range(3):
        redeem(resident, reward)
    for number in range(1, 4):
        with transaction():
            deciding.cancel(resident.resident_id, number, by="resident")
        assert clockwork.waits == [sold_out.SEEN_S]


def test_the_expiry_job_waits_once_for_all_rewards(app, new_reward, resident, give, redeem, stock, clockwork):
    give(resident, 600)
    rewards = [new_reward(stock=2) for _ in range(3)]
    for reward in rewards * 2:
        assert redeem(resident, reward).status_code == 201
    with transaction():
        assert deciding.expire_reserved(clock.now() + timedelta(days=31), 10) == 6
    assert [stock(reward) for reward in rewards] == [2, 2, 2]
    assert clockwork.waits == [sold_out.SEEN_S]


def test_where_too_many_had_some_nobody_is_refused_early(app, new_reward, new_resident, give, redeem, monkeypatch):
    monkeypatch.setattr(sold_out, "MOST_TAKERS", 1)
    reward, takers = new_reward(stock=2), [new_resident(f"taker {number}") for number in range(2)]
    for taker in takers:
        give(taker, 100)
        assert redeem(taker, reward, key="mine").status_code == 201
    for taker in takers:
        assert redeem(taker, reward).json["type"] == "out-of-stock"
        assert redeem(taker, reward, key="mine").status_code == 201
    assert [seen.takers for seen in app.extensions["sold_out"].values()] == [None]


def test_without_redis_postgresql_decides(app, new_reward, resident, give, redeem, monkeypatch):
    give(resident, 1000)
    reward = new_reward(stock=1)
    gone = redis.redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1)
    monkeypatch.setitem(app.extensions, "redis", gone)
    assert redeem(resident, reward).status_code == 201
    assert redeem(resident, reward).json["type"] == "out-of-stock"
    with transaction():
        stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
    assert redeem(resident, reward).status_code == 201
    app.extensions.pop("sold_out_paused_until", None)
