"""Stock: taken by redemptions, returned by what is called off, moved by admins; never below zero.

At any moment: sum of movements - quantities of reserved and fulfilled redemptions = stock.
"""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import update

from backend import audit, clock
from backend.database import db
from backend.errors import RefusalError, ValidationFailedError
from backend.rewards import reading, sold_out
from backend.rewards.models import Reward, StockMovement

MOST = 1_000_000_000
"""Pieces of one reward: far beyond any city, within PostgreSQL's integer."""


class OutOfStockError(RefusalError):
    """Fewer pieces are left than are wanted."""

    slug = "out-of-stock"
    title = _l("This reward is out of stock.")


class StockOfVouchersError(RefusalError):
    """The stock of a voucher reward is the number of its codes."""

    slug = "stock-of-vouchers"
    title = _l("The stock of a voucher reward is the number of its codes: load codes instead.")


class StockUnlimitedError(RefusalError):
    """There is nothing to count."""

    slug = "stock-unlimited"
    title = _l("This reward has no limit of stock. Make a new reward to limit it.")


def refuse_if_short(reward: Reward, *, quantity: int) -> None:
    """Raise OutOfStockError where the stock as just read does not reach: cheap, and before any lock."""
    if reward.stock is None or reward.stock >= quantity:
        return
    if reward.stock == 0:
        sold_out.remember(reward.id)
    raise OutOfStockError(stock_left=reward.stock)


def give_back(pieces: Mapping[int, int]) -> None:
    """Return pieces of what was called off, by reward. Locks their rows, in order: call it last in the transaction."""
    returned: dict[int, bool] = {}
    for reward_id, quantity in sorted(pieces.items()):
        # The row in the session keeps the stock that it was read with: nothing here is decided by it.
        after = db.session.scalar(
            update(Reward).where(Reward.id == reward_id).values(stock=Reward.stock + quantity).returning(Reward.stock),
            execution_options={"synchronize_session": False},
        )
        returned[reward_id] = after == quantity
    sold_out.forget(returned, nothing_was_left=any(returned.values()))


def move(reward_id: int, *, delta: int, reason: str, by: str) -> Reward:
    """Add pieces to the stock, or take some away.

    Raises NotFoundError, OutOfStockError below zero, StockOfVouchersError, StockUnlimitedError.
    """
    reward = reading.lock(reward_id)
    if reward.kind == "voucher":
        raise StockOfVouchersError
    if reward.stock is None:
        raise StockUnlimitedError
    before, after = reward.stock, reward.stock + delta
    if after < 0:
        raise OutOfStockError(_l("Only %(stock)s are left.", stock=before), stock_left=before)
    if after > MOST:
        raise ValidationFailedError.of({"delta": gettext("The stock may be %(most)s at most.", most=MOST)})
    _change(reward, delta=delta, reason=reason, action="stock_moved", told={"reason": reason}, by=by, now=clock.now())
    sold_out.forget([reward.id], nothing_was_left=before == 0)
    return reward


def add_codes(reward_id: int, *, loaded: int, by: str, now: datetime) -> Reward:
    """Raise the stock of a voucher reward by the codes just loaded. Locks the reward's row: call it last."""
    reward = reading.lock(reward_id)
    nothing_was_left = not reward.stock
    told = {"loaded": loaded}
    _change(reward, delta=loaded, reason="codes loaded", action="vouchers_loaded", told=told, by=by, now=now)
    sold_out.forget([reward.id], nothing_was_left=nothing_was_left)
    return reward


def withdraw_codes(reward_id: int, *, withdrawn: int, by: str, now: datetime) -> None:
    """Lower the stock of a voucher reward by codes that nobody may have any more. Locks the reward's row."""
    reward = reading.lock(reward_id)
    told = {"withdrawn": withdrawn}
    _change(reward, delta=-withdrawn, reason="codes withdrawn", action="vouchers_withdrawn", told=told, by=by, now=now)


def _change(
    reward: Reward, *, delta: int, reason: str, action: str, told: Mapping[str, object], by: str, now: datetime
) -> None:
    """Move the stock of a locked reward, as a movement and in the audit trail, which is told more."""
    before = reward.stock or 0
    reward.stock = before + delta
    record(reward, delta=delta, reason=reason, by=by, now=now)
    audit.record(
        actor=by,
        action=f"reward.{action}",
        object_kind="reward",
        object_id=reward.code,
        before={"stock": before},
        after={"stock": reward.stock, **told},
    )


def record(reward: Reward, *, delta: int, reason: str, by: str, now: datetime) -> None:
    """Write a movement down and flush it; the reward has the new stock already."""
    if delta:
        left = reward.stock
        db.session.add(
            StockMovement(reward_id=reward.id, delta=delta, reason=reason, stock_after=left, moved_by=by, moved_at=now)
        )
    db.session.flush()
