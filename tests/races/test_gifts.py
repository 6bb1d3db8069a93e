"""Two at one gift, or at one purse: every schedule of both, and what may come of it and nothing else."""

import pytest
from sqlalchemy import func, select

from backend import clock
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.ledger import expiring
from backend.rewards import deciding, redeeming
from backend.rewards.models import Voucher
from tests.expiry import call_off_overdue, expire_everything
from tests.races.conftest import Scene


@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_the_last_piece_goes_to_one_of_two_whoever_is_stopped_where(
    outcomes, somebody, give, new_reward, redeem, told, balance, stock, kind
):
    def scene():
        reward, takers = new_reward(kind, stock=1), [somebody(), somebody()]
        for taker in takers:
            give(taker, 150)
        calls = [told(lambda taker=taker: redeem(taker, reward)) for taker in takers]
        return Scene(*calls, lambda: (*(balance(taker)[0] for taker in takers), stock(reward)))

    assert set(outcomes(scene, both=True)) == {
        ("done", "out-of-stock", (50, 150, 0)),
        ("out-of-stock", "done", (150, 50, 0)),
    }


def test_of_two_codes_each_of_two_takers_gets_one(outcomes, somebody, give, new_reward, doing, stock):
    """Also who has waited for the reward, and had looked at the pool before."""

    def scene():
        reward, takers = new_reward("voucher", stock=2), [somebody(), somebody()]
        for taker in takers:
            give(taker, 100)
        wanted = {"reward_id": reward.id, "quantity": 1, "now": clock.now()}
        owners = [taker.resident_id for taker in takers]
        calls = [doing(lambda who=who: redeeming.redeem(resident_id=who, **wanted)) for who in owners]
        has_one = select(func.count(Voucher.resident_id.distinct())).where(Voucher.reward_id == reward.id)
        return Scene(*calls, lambda: (db.session.scalar(has_one), stock(reward)))

    assert set(outcomes(scene)) == {("done", "done", (2, 0))}


@pytest.mark.parametrize("kinds", [("pickup", "voucher"), ("donation", "pickup"), ("voucher", "donation")])
def test_a_balance_that_reaches_for_one_of_two_is_spent_once(
    outcomes, resident, somebody, give, new_reward, redeem, told, balance, kinds
):
    def scene():
        taker, rewards = somebody(), [new_reward(kind, stock=None if kind == "donation" else 3) for kind in kinds]
        give(taker, 150)
        return Scene(*(told(lambda reward=reward: redeem(taker, reward)) for reward in rewards), lambda: balance(taker))

    held = [100 if kind == "pickup" else 0 for kind in kinds]
    assert set(outcomes(scene, both=True)) == {
        ("done", "insufficient-points", (50, held[0])),
        ("insufficient-points", "done", (50, held[1])),
    }


def test_a_limit_of_one_lets_one_of_two_through(outcomes, somebody, give, new_reward, redeem, told, balance):
    def scene():
        taker, reward = somebody(), new_reward(stock=9, limit_per_resident=1)
        give(taker, 300)
        return Scene(*[told(lambda: redeem(taker, reward))] * 2, lambda: balance(taker))

    assert set(outcomes(scene, both=True)) == {
        ("done", "redemption-limit-reached", (200, 100)),
        ("redemption-limit-reached", "done", (200, 100)),
    }


@pytest.fixture
def reserved(somebody, give, new_reward, redeem):
    """reserved() → a resident whose first redemption, of the last piece of a reward, is reserved; and the reward."""

    def make():
        owner, reward = somebody(), new_reward(stock=1)
        give(owner, 100)
        assert redeem(owner, reward).status_code == 201
        return owner, reward

    return make


DECISIONS = {
    "cancel": lambda owner: deciding.cancel(owner, 1, now=clock.now()),
    "fulfil": lambda owner: deciding.fulfil(owner, 1, by="admin:test", now=clock.now()),
}
AFTER = {"cancel": ((100, 0), 1), "fulfil": ((0, 0), 0)}


@pytest.mark.parametrize(
    ("first", "second"), [("cancel", "fulfil"), ("fulfil", "cancel"), ("cancel", "cancel"), ("fulfil", "fulfil")]
)
def test_of_two_decisions_on_one_redemption_the_first_stands(outcomes, reserved, doing, balance, stock, first, second):
    def scene():
        owner, reward = reserved()
        calls = [doing(lambda which=which: DECISIONS[which](owner.resident_id)) for which in (first, second)]
        return Scene(*calls, lambda: (balance(owner), stock(reward)))

    assert set(outcomes(scene)) == {
        ("done", "already-decided", AFTER[first]),
        ("already-decided", "done", AFTER[second]),
    }


@pytest.mark.parametrize("decision", ["cancel", "fulfil"])
@pytest.mark.parametrize("job_first", [True, False])
def test_the_expiry_job_and_a_decision_never_both_take_effect(
    outcomes, reserved, doing, balance, stock, later, decision, job_first
):
    def scene():
        owner, reward = reserved()
        calls = [
            doing(lambda: call_off_overdue(later, 10)),
            doing(lambda: DECISIONS[decision](owner.resident_id)),
        ]
        return Scene(*(calls if job_first else calls[::-1]), lambda: (balance(owner), stock(reward)))

    expired, decided = ("done", "already-decided", ((100, 0), 1)), ("done", "done", AFTER[decision])
    turned = [expired, decided] if job_first else [("already-decided", "done", expired[2]), decided]
    assert set(outcomes(scene)) == set(turned)


@pytest.mark.parametrize("job_first", [True, False])
def test_a_piece_that_comes_back_by_expiry_is_had_by_the_next_or_is_there(
    outcomes, reserved, somebody, give, redeem, told, doing, balance, stock, later, job_first
):
    def scene():
        (owner, reward), other = reserved(), somebody()
        give(other, 100)
        calls = [doing(lambda: call_off_overdue(later, 10)), told(lambda: redeem(other, reward))]
        return Scene(*(calls if job_first else calls[::-1]), lambda: (balance(owner), balance(other)[0], stock(reward)))

    had, missed = ("done", "done", ((100, 0), 0, 0)), [("done", "out-of-stock"), ((100, 0), 100, 1)]
    turned = missed[0] if job_first else missed[0][::-1]
    assert set(outcomes(scene)) == {had, (*turned, missed[1])}


@pytest.mark.parametrize("job_first", [True, False])
def test_points_that_are_due_expire_or_are_spent_and_never_both(
    outcomes, somebody, give, new_reward, redeem, told, doing, balance, job_first
):
    def scene():
        owner, reward = somebody(), new_reward(stock=1)
        give(owner, 120, valid_months=-1)
        calls = [doing(lambda: expire_everything(now=clock.now())), told(lambda: redeem(owner, reward))]
        return Scene(*(calls if job_first else calls[::-1]), lambda: balance(owner))

    expired, spent = ("done", "insufficient-points"), ("done", "done")
    found = set(outcomes(scene))
    assert found == {(*(expired if job_first else expired[::-1]), (0, 0)), (*spent, (0, 100))}


def test_points_expire_once_also_where_two_do_it_at_once(outcomes, somebody, give, doing, balance):
    def scene():
        owners = [somebody(), somebody()]
        for owner in owners:
            give(owner, 120, valid_months=-1)
            give(owner, 30)
        with transaction():
            due = expiring.find_due(now=clock.now(), limit=9)
        pages = due, due[::-1]
        calls = [doing(lambda page=page: expiring.expire(page, now=clock.now())) for page in pages]
        return Scene(*calls, lambda: tuple(map(balance, owners)))

    assert set(outcomes(scene, both=True)) == {("done", "done", ((30, 0), (30, 0)))}


@pytest.mark.parametrize("reversal_first", [True, False])
def test_a_reversal_comes_before_the_redemption_or_leaves_a_debt(
    outcomes, somebody, deeds, new_reward, redeem, told, doing, balance, reversal_first
):
    def scene():
        owner, reward = somebody(), new_reward(stock=1, price_points=19)
        assert deeds.record(owner).outcome.points == 19
        calls = [doing(lambda: take_back(owner.resident_id)), told(lambda: redeem(owner, reward))]
        return Scene(*(calls if reversal_first else calls[::-1]), lambda: balance(owner))

    refused = ("done", "insufficient-points")
    assert set(outcomes(scene)) == {
        (*(refused if reversal_first else refused[::-1]), (0, 0)),
        ("done", "done", (-19, 19)),
    }


def take_back(resident_id):
    reverse(resident_id=resident_id, seq=1, reason="wrong", by="admin:test", now=clock.now())
