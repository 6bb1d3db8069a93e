"""An admin is at a reward at the moment of somebody else: every schedule, and no piece, code or change is lost."""

from itertools import count

import pytest
from sqlalchemy import func, select

from backend.database import db
from backend.rewards import configuring, stocking, vouchers
from backend.rewards.models import Reward, RewardVersion
from tests.races.conftest import Scene

BY = "admin:test"
RESTOCK = {
    "pickup": lambda reward: stocking.move(reward.id, delta=2, reason="restocked", by=BY),
    "voucher": lambda reward: vouchers.load(reward_id=reward.id, text="A\nB", by=BY),
}


@pytest.mark.parametrize("kind", RESTOCK)
@pytest.mark.parametrize("admin_first", [True, False])
def test_a_piece_that_goes_while_others_come_is_counted(
    outcomes, somebody, give, new_reward, redeem, told, doing, stock, kind, admin_first
):
    def scene():
        reward, taker = new_reward(kind, stock=3), somebody()
        give(taker, 100)
        calls = [doing(lambda: RESTOCK[kind](reward)), told(lambda: redeem(taker, reward))]
        return Scene(*(calls if admin_first else calls[::-1]), lambda: stock(reward))

    assert set(outcomes(scene)) == {("done", "done", 4)}


@pytest.mark.parametrize("kind", RESTOCK)
def test_what_two_bring_at_once_is_counted(outcomes, new_reward, doing, stock, kind):
    texts = {"pickup": (2, 3), "voucher": ("A\nB", "C\nD\nE")}

    def scene():
        reward = new_reward(kind, stock=1)

        def bring(more):
            if kind == "pickup":
                stocking.move(reward.id, delta=more, reason="restocked", by=BY)
            else:
                vouchers.load(reward_id=reward.id, text=more, by=BY)

        return Scene(*(doing(lambda more=more: bring(more)) for more in texts[kind]), lambda: stock(reward))

    assert set(outcomes(scene)) == {("done", "done", 6)}


def test_two_files_with_the_same_codes_never_wait_for_each_other(outcomes, new_reward, doing, stock, monkeypatch):
    monkeypatch.setattr(vouchers, "AT_ONCE", 1)

    def scene():
        reward = new_reward("voucher")
        files = ("A\nB", "B\nA")
        calls = [doing(lambda text=text: vouchers.load(reward_id=reward.id, text=text, by=BY)) for text in files]
        return Scene(*calls, lambda: stock(reward))

    assert set(outcomes(scene, both=True)) == {("done", "done", 2)}


def test_of_two_new_rewards_with_one_code_the_first_is_there(outcomes, new_reward, doing):
    numbers = count(1)

    def scene():
        code = f"mug_{next(numbers)}"
        made = select(func.count()).where(Reward.code == code)
        return Scene(*[lambda: "done" if new_reward(code=code) else None] * 2, lambda: db.session.scalar(made))

    assert set(outcomes(scene)) == {("done", "already-exists", 1), ("already-exists", "done", 1)}


def test_of_two_changes_of_one_version_the_first_stands(outcomes, new_reward, doing):
    def scene():
        reward = new_reward(stock=1)

        def change(price):
            configuring.change(reward.id, {"price_points": price}, expected=1, by=BY)

        prices = select(RewardVersion.terms["price_points"].as_integer()).where(RewardVersion.reward_id == reward.id)
        calls = [doing(lambda price=price: change(price)) for price in (150, 170)]
        return Scene(*calls, lambda: tuple(db.session.scalars(prices.order_by(RewardVersion.version))))

    assert set(outcomes(scene)) == {
        ("done", "precondition-failed", (100, 150)),
        ("precondition-failed", "done", (100, 170)),
    }
