"""A rush on what is sold out: refused without a transaction, and wrongly never."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from backend import clock, redis
from backend.database import db, transaction
from backend.rewards import deciding, sold_out, stocking, vouchers
from backend.rewards.models import Redemption, Reward
from backend.rewards.rules import STATUSES
from tests.expiry import call_off_overdue
from tests.together import together


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
    app, new_reward, new_resident, give, redeem, end_guard, kind
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
        assert app.extensions["sold_out"].seen[reward.id].takers == {before.resident_id for before in takers}
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
def test_who_called_a_redemption_off_gets_the_first_answer_again(
    app, new_reward, resident, new_resident, give, redeem, end_guard
):
    reward, other = new_reward(stock=1), new_resident("other")
    for person in (resident, other):
        give(person, 100)
    first = redeem(resident, reward, key="mine")
    with transaction():
        deciding.cancel(resident.resident_id, 1, now=clock.now())
    assert redeem(other, reward).status_code == 201
    end_guard(reward)
    for _ in range(2):
        assert redeem(new_resident("late"), reward).json["type"] == "out-of-stock"
    assert app.extensions["sold_out"].seen[reward.id].takers == {resident.resident_id, other.resident_id}
    assert redeem(resident, reward, key="mine").json == first.json
    assert redeem(resident, reward, key="another").json["type"] == "out-of-stock"


@pytest.mark.usefixtures("long_marks")
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("days_ago", "counts"), [(0, True), (1, True), (2, False)])
def test_the_takers_are_all_who_may_still_have_an_answer(
    app, new_reward, resident, new_resident, give, redeem, end_guard, status, days_ago, counts
):
    reward, late = new_reward(stock=2), new_resident("late")
    for person in (resident, late):
        give(person, 100)
    assert redeem(resident, reward).status_code == 201
    decided = {"fulfilled": partial(deciding.fulfil, by="admin:test"), "cancelled": deciding.cancel}
    with transaction():
        if status in decided:
            decided[status](resident.resident_id, 1, now=clock.now())
        elif status == "expired":
            call_off_overdue(clock.now() + timedelta(days=31), 10)
    with transaction():
        left = db.session.get(Reward, reward.id, populate_existing=True).stock
        stocking.move(reward.id, delta=-left, reason="given away elsewhere", by="admin:test")
        aged = update(Redemption).values(redeemed_at=Redemption.redeemed_at - timedelta(days=days_ago))
        db.session.execute(aged)
    end_guard(reward)
    for _ in range(2):
        assert redeem(late, reward).json["type"] == "out-of-stock"
    assert (resident.resident_id in app.extensions["sold_out"].seen[reward.id].takers) is counts


@pytest.mark.usefixtures("long_marks")
def test_of_many_at_once_one_looks_for_all(app, new_reward, new_resident, give, redeem, sent):
    reward, crowd = new_reward(stock=0), [new_resident(f"late {number}") for number in range(8)]
    redeem(crowd[0], reward)
    answers = together(app, [lambda late=late: redeem(late, reward) for late in crowd])
    assert [answer.json["type"] for answer in answers] == ["out-of-stock"] * len(crowd)
    assert len([statement for statement in sent if "FROM redemptions\n" in str(statement)]) == 1


@pytest.mark.usefixtures("long_marks")
def test_a_mark_that_has_outlived_its_stock_refuses_nobody(app, new_reward, resident, give, redeem):
    give(resident, 100)
    reward = new_reward(stock=1)
    redis.client().set(redis.SOLD_OUT.format(reward_id=reward.id), sold_out.MARK)
    assert redeem(resident, reward).status_code == 201


@pytest.mark.usefixtures("long_marks")
def test_who_is_not_signed_in_costs_nothing(app, new_reward, resident, redeem, sent):
    reward = new_reward(stock=0)
    redeem(resident, reward)
    sent.clear()
    answer = app.test_client().post("/api/v1/redemptions", json={"reward_id": reward.id})
    assert (answer.status_code, sent) == (401, [])


def test_where_too_many_had_some_nobody_is_refused_early(app, new_reward, new_resident, give, redeem, monkeypatch):
    monkeypatch.setattr(sold_out, "MOST_TAKERS", 1)
    reward, takers = new_reward(stock=2), [new_resident(f"taker {number}") for number in range(2)]
    for taker in takers:
        give(taker, 100)
        assert redeem(taker, reward, key="mine").status_code == 201
    for taker in takers:
        assert redeem(taker, reward).json["type"] == "out-of-stock"
        assert redeem(taker, reward, key="mine").status_code == 201
    assert [seen.takers for seen in app.extensions["sold_out"].seen.values()] == [None]


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
