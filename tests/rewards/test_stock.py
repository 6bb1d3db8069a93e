"""Stock as admins move it: how far, what the trail tells of it, and which codes a restored site withdraws."""

import pytest
from sqlalchemy import select

from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.errors import ValidationFailedError
from backend.rewards import restored, stocking, vouchers
from backend.rewards.models import NOBODY, StockMovement, Voucher

BY = "admin:test"


@pytest.fixture
def trail(app):
    """trail(reward) → (actor, action, before, after) of all that was done to it since it was made."""

    def read(reward):
        of_it = select(AuditRow).where(AuditRow.object_kind == "reward", AuditRow.object_id == reward.code)
        rows = db.session.scalars(of_it.order_by(AuditRow.id)).all()
        return [(row.actor, row.action.removeprefix("reward."), row.before, row.after) for row in rows]

    return read


def movements(reward):
    of_it = select(StockMovement.delta, StockMovement.stock_after, StockMovement.reason, StockMovement.moved_by)
    return db.session.execute(of_it.where(StockMovement.reward_id == reward.id).order_by(StockMovement.id)).all()


def holders(reward):
    rows = db.session.execute(select(Voucher.code, Voucher.resident_id).where(Voucher.reward_id == reward.id))
    return dict(tuple(row) for row in rows)


def test_the_trail_tells_of_a_new_reward_and_of_pieces_that_are_moved(new_reward, trail):
    reward = new_reward(stock=3)
    with transaction():
        stocking.move(reward.id, delta=-2, reason="broken", by=BY)
    made, moved = trail(reward)
    assert (made[:3], made[3]["stock"], made[3]["version"]) == (("test", "created", None), 3, 1)
    assert moved == ("test", "stock_moved", {"stock": 3}, {"stock": 1, "reason": "broken"})
    assert movements(reward) == [(3, 3, "initial stock", BY), (-2, 1, "broken", BY)]


def test_the_trail_tells_of_codes_that_are_loaded_and_withdrawn(new_reward, trail):
    reward = new_reward("voucher")
    with transaction():
        vouchers.load(reward_id=reward.id, text="A\nB\nA\nC", by=BY)
    with transaction():
        assert restored.withdraw([(reward.code, "B"), (reward.code, "D")], by=BY) == 1
    assert trail(reward)[1:] == [
        ("test", "vouchers_loaded", {"stock": 0}, {"stock": 3, "loaded": 3}),
        ("test", "vouchers_withdrawn", {"stock": 3}, {"stock": 2, "withdrawn": 1}),
    ]
    assert movements(reward) == [(3, 3, "codes loaded", BY), (-1, 2, "codes withdrawn", BY)]


@pytest.mark.parametrize("too_many", [False, True])
def test_a_reward_has_room_for_a_thousand_million_pieces(new_reward, stock, too_many):
    reward = new_reward(stock=3)
    wanted = {"delta": stocking.MOST - 3 + too_many, "reason": "count", "by": BY}
    if too_many:
        with pytest.raises(ValidationFailedError), transaction():
            stocking.move(reward.id, **wanted)
    else:
        with transaction():
            stocking.move(reward.id, **wanted)
    assert stock(reward) == (3 if too_many else stocking.MOST)


def test_what_somebody_has_by_these_books_and_what_another_pool_holds_is_not_withdrawn(
    new_reward, resident, give, redeem, stock
):
    coffee, tea = new_reward("voucher"), new_reward("voucher")
    with transaction():
        for reward in (coffee, tea):
            vouchers.load(reward_id=reward.id, text="A\nB\nC", by=BY)
    give(resident, 100)
    assert redeem(resident, coffee).json["voucher"] == "A"
    named = [(coffee.code, "A"), (coffee.code, "B"), ("gone", "A")]
    for withdrawn in (1, 0):
        with transaction():
            assert restored.withdraw(named, by=BY) == withdrawn
    assert holders(coffee) == {"A": resident.resident_id, "B": NOBODY, "C": None}
    assert holders(tea) == {"A": None, "B": None, "C": None}
    assert (stock(coffee), stock(tea)) == (1, 3)


def test_a_reward_of_another_kind_has_no_codes_to_withdraw(new_reward, stock):
    mug = new_reward(stock=3)
    with transaction():
        assert restored.withdraw([(mug.code, "A")], by=BY) == 0
    assert (holders(mug), stock(mug)) == ({}, 3)
