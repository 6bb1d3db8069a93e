"""Stock that comes back can be had at once, from every process; who returns it waits once, and only where it must."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from backend import clock, redis
from backend.config import Limit
from backend.database import transaction
from backend.rewards import deciding, sold_out, stocking, vouchers
from backend.web.limits import Limiter
from tests.expiry import call_off_overdue
from tests.sent_statements import noticed


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
        deciding.cancel(resident.resident_id, 1, now=clock.now())
    assert redeem(other, reward).status_code == 201


RESTOCKING = {
    "moved by an admin": lambda reward, _: stocking.move(reward.id, delta=1, reason="restocked", by="admin:test"),
    "called off": lambda _, taker: deciding.cancel(taker.resident_id, 1, now=clock.now()),
    "not collected": lambda _reward, _taker: call_off_overdue(clock.now() + timedelta(days=31), 10),
    "more codes": lambda reward, _: vouchers.load(reward_id=reward.id, text="MORE", by="admin:test"),
}


@pytest.mark.usefixtures("long_marks")
@pytest.mark.parametrize("way", RESTOCKING)
def test_no_process_goes_by_what_it_saw_before_once_stock_is_back(
    app, new_reward, resident, new_resident, give, redeem, end_guard, monkeypatch, way
):
    reward, taker = new_reward("voucher" if way == "more codes" else "pickup", stock=1), new_resident("taker")
    for person in (resident, taker):
        give(person, 100)
    end_guard(reward)
    assert redeem(taker, reward).status_code == 201
    answers = []

    def ask():
        with app.app_context():
            answers.append(redeem(resident, reward).json["type"])

    def ask_as_others():
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(10)

    def sleep(seconds):
        # As late as another process may look before the commit, and with what it saw until then.
        time.sleep(seconds)
        ask_as_others()

    monkeypatch.setattr(sold_out, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    for _ in range(2):
        ask_as_others()
    with transaction():
        # What is seen now is gone by until the end of the wait.
        ask_as_others()
        RESTOCKING[way](reward, taker)
    assert answers == ["out-of-stock"] * 4
    assert reward.id in app.extensions["sold_out"].seen
    assert redeem(resident, reward).status_code == 201


def test_nobody_waits_where_something_is_left(app, new_reward, resident, give, redeem, clockwork):
    give(resident, 300)
    reward = new_reward(stock=3)
    for _ in range(3):
        redeem(resident, reward)
    for number in range(1, 4):
        with transaction():
            deciding.cancel(resident.resident_id, number, now=clock.now())
        assert clockwork.waits == [sold_out.SEEN_S]


def test_the_expiry_job_waits_once_for_all_rewards(app, new_reward, resident, give, redeem, stock, clockwork):
    give(resident, 600)
    rewards = [new_reward(stock=2) for _ in range(3)]
    for reward in rewards * 2:
        assert redeem(resident, reward).status_code == 201
    with transaction():
        assert call_off_overdue(clock.now() + timedelta(days=31), 10) == 6
    assert [stock(reward) for reward in rewards] == [2, 2, 2]
    assert clockwork.waits == [sold_out.SEEN_S]


def test_an_account_that_is_cancelled_waits_once_for_all_its_rewards(
    app, client, new_reward, resident, give, redeem, headers, stock, clockwork
):
    give(resident, 300)
    rewards = [new_reward(stock=1) for _ in range(3)]
    for reward in rewards:
        assert redeem(resident, reward).status_code == 201
    assert client.delete("/api/v1/me", headers=headers(resident)).status_code == 204
    assert [stock(reward) for reward in rewards] == [1, 1, 1]
    assert clockwork.waits == [sold_out.SEEN_S]


def test_rewards_are_locked_in_order(app, new_reward, resident, give, redeem):
    give(resident, 300)
    rewards = [new_reward(stock=1) for _ in range(3)]
    for reward in reversed(rewards):
        assert redeem(resident, reward).status_code == 201
    locked = []

    def notice(_, statement, values):
        if str(statement).startswith("UPDATE rewards"):
            locked.append(values["id_1"])

    with transaction(), noticed(notice):
        call_off_overdue(clock.now() + timedelta(days=31), 10)
    assert locked == [reward.id for reward in rewards]


@pytest.mark.usefixtures("long_marks")
def test_where_redis_does_not_hear_of_it_nobody_is_refused_for_long(
    app, new_reward, resident, give, redeem, monkeypatch, clockwork
):
    give(resident, 200)
    reward = new_reward(stock=1)
    redeem(resident, reward)
    redeem(resident, reward)
    gone = redis.redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1)
    with transaction(), monkeypatch.context() as without:
        without.setitem(app.extensions, "redis", gone)
        stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
    assert redis.client().get(redis.SOLD_OUT.format(reward_id=reward.id)) == sold_out.MARK
    clockwork.now += sold_out.SEEN_S
    assert redeem(resident, reward).status_code == 201


def test_of_all_who_return_stock_ask_for_it_or_are_counted_one_waits_for_a_redis_that_never_answers(
    app, new_reward, resident, give, redeem, deaf
):
    give(resident, 200)
    reward, limiter = new_reward(stock=0), Limiter(Limit(5, 60))
    for number in range(1, 3):
        with transaction():
            stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
        limiter.hit("one")
        assert redeem(resident, reward).status_code == 201
        with transaction():
            deciding.cancel(resident.resident_id, number, now=clock.now())
    assert deaf.asked == 1


def test_who_returns_stock_leaves_it_to_others_to_find_out_whether_redis_answers_again(
    app, new_reward, deaf, monkeypatch
):
    reward = new_reward(stock=0)
    for _ in range(2):
        with transaction():
            stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
        monkeypatch.setattr(redis.silence(), "_ask_again_at", 0.0)
    assert deaf.asked == 1
    sold_out.remember(reward.id)
    assert deaf.asked == 2
