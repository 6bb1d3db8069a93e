"""What moves between the read and the write of a redemption: it is judged again, and no half of it stays."""

import threading

import pytest

from backend import clock
from backend.account import administering
from backend.database import db, transaction
from backend.ledger import service as ledger
from backend.ledger.service import Reference
from backend.residents.models import IdempotencyKey
from backend.rewards import answering, configuring, deciding, redeeming, stocking
from backend.rewards.schemas import RedemptionSchema
from tests.rewards.conftest import DELIVERY


@pytest.fixture
def in_between(app, monkeypatch):
    """in_between(change): the first write of a redemption comes after this change by somebody else."""

    def place(change):
        write, left = redeeming._write, [change]

        def after_the_change(*args, **kwargs):
            if left:
                other = threading.Thread(target=in_the_app, args=(left.pop(),))
                other.start()
                other.join()
            return write(*args, **kwargs)

        monkeypatch.setattr(redeeming, "_write", after_the_change)

    def in_the_app(change):
        with app.app_context(), transaction():
            change()

    return place


def one_of(reward, *, taker):
    return redeeming.redeem(resident_id=taker.resident_id, reward_id=reward.id, quantity=1, now=clock.now())


def test_the_price_is_the_one_of_the_moment(new_reward, resident, give, redeem, balance, in_between):
    reward = new_reward(stock=2)
    give(resident, 300)
    in_between(lambda: configuring.change(reward.id, {"price_points": 150}, expected=1, by="admin:test"))
    body = redeem(resident, reward).json
    assert (body["points"], body["reward_version"], body["wallet"]) == (150, 2, {"balance": 150})
    assert balance(resident) == (150, 150)


@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_the_last_piece_went_to_somebody_else(
    new_reward, resident, new_resident, give, redeem, stock, in_between, kind
):
    reward, other = new_reward(kind, stock=1), new_resident("other")
    for person in (resident, other):
        give(person, 100)
    in_between(lambda: one_of(reward, taker=other))
    answer = redeem(resident, reward)
    assert (answer.status_code, answer.json["type"], stock(reward)) == (409, "out-of-stock", 0)


@pytest.mark.parametrize("kind", ["pickup", "voucher"])
def test_the_points_went_for_something_else(new_reward, resident, give, redeem, balance, stock, in_between, kind):
    reward, dearer = new_reward(kind, stock=1), new_reward("donation", price_points=150)
    give(resident, 200)
    in_between(lambda: one_of(dearer, taker=resident))
    answer = redeem(resident, reward)
    assert (answer.status_code, answer.json["type"]) == (409, "insufficient-points")
    assert (balance(resident), stock(reward)) == ((50, 0), 1)


MOVES = {
    "resident-frozen": lambda who, _: administering.set_frozen(who, frozen=True, reason="test", by="admin:test"),
    "insufficient-points": lambda who, settings: ledger.adjust(
        ledger.lock_wallet(who), points=-1, reference=Reference("adjustment", 0), now=clock.now(), settings=settings
    ),
}


@pytest.mark.parametrize("slug", MOVES)
def test_an_admin_was_at_the_account(new_reward, resident, give, redeem, balance, stock, settings, in_between, slug):
    reward, who = new_reward(stock=1), resident.resident_id
    give(resident, 100)
    in_between(lambda: MOVES[slug](who, settings))
    assert redeem(resident, reward).json["type"] == slug
    assert (balance(resident), stock(reward)) == ((100 if slug == "resident-frozen" else 99, 0), 1)


def test_the_key_went_with_another_request(new_reward, resident, give, redeem, balance, in_between):
    reward = new_reward(stock=1)
    give(resident, 100)
    taken = {"resident_id": resident.resident_id, "key": "same", "request_hash": "another", "created_at": clock.now()}
    in_between(lambda: db.session.add(IdempotencyKey(**taken)))
    answer = redeem(resident, reward, key="same")
    assert (answer.status_code, answer.json["type"]) == (422, "idempotency-key-reused")
    assert balance(resident) == (100, 0)


def test_a_piece_that_another_takes_does_not_matter_while_there_are_more(
    new_reward, resident, new_resident, give, redeem, stock, in_between
):
    reward, other = new_reward(stock=3), new_resident("other")
    for person in (resident, other):
        give(person, 100)
    in_between(lambda: one_of(reward, taker=other))
    assert redeem(resident, reward).status_code == 201
    assert stock(reward) == 1


def test_the_reward_is_taken_off_sale(new_reward, resident, give, redeem, balance, in_between):
    reward = new_reward(stock=1)
    give(resident, 100)
    in_between(lambda: configuring.change(reward.id, {"active": False}, expected=1, by="admin:test"))
    assert redeem(resident, reward).status_code == 404
    assert balance(resident) == (100, 0)


def test_stock_that_comes_back_after_the_read_is_had_the_next_time(new_reward, resident, give, redeem):
    reward = new_reward(stock=0)
    give(resident, 100)
    assert redeem(resident, reward).status_code == 409
    with transaction():
        stocking.move(reward.id, delta=1, reason="restocked", by="admin:test")
    assert redeem(resident, reward).status_code == 201


def test_an_answer_written_by_hand_is_the_one_of_the_schema(app, new_reward, resident, give, redeem):
    give(resident, 1000)
    for kind, more in {"pickup": {}, "voucher": {"quantity": 2}, "physical": {"delivery": DELIVERY}}.items():
        reward = new_reward(kind, stock=5)
        wanted = {"resident_id": resident.resident_id, "reward_id": reward.id, "quantity": 1, **more}
        with transaction():
            done = redeeming.redeem(**wanted, now=clock.now())
        assert answering.written(done) == RedemptionSchema().dump(answering.redemption(done))
        assert redeem(resident, reward, **more).json.keys() == answering.written(done).keys()
    with transaction():
        cancelled = deciding.call_off(resident.resident_id, 1, by="admin:test", reason="broken", now=clock.now())
        assert answering.written(cancelled) == RedemptionSchema().dump(answering.redemption(cancelled))


def test_the_stored_answer_is_the_given_one(new_reward, resident, give, redeem):
    give(resident, 1000)
    for kind in ("pickup", "voucher", "donation"):
        reward = new_reward(kind, stock=5)
        first = redeem(resident, reward, key=kind, quantity=2)
        again = redeem(resident, reward, key=kind, quantity=2)
        assert (again.status_code, again.json) == (201, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"


def test_inside_a_transaction_that_fails_nothing_is_redeemed(app, new_reward, resident, give, balance, stock):
    reward = new_reward("voucher", stock=1)
    give(resident, 100)

    def break_off():
        with transaction():
            one_of(reward, taker=resident)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    db.session.rollback()
    assert (balance(resident), stock(reward)) == ((100, 0), 1)
