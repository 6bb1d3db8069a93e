"""Redeeming points for a reward."""

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from backend import clock
from backend.database import db
from backend.errors import NotFoundError, RefusalError
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.rewards import delivery as deliveries
from backend.rewards import pickup_codes, reading, rules, stocking, vouchers
from backend.rewards.models import Redemption, Reward
from backend.rewards.reading import Redeemed

REFERENCE = "redemption"
"""Kind of the ledger's reference; its id is the resident's own number of the redemption."""


class NotOnSaleError(RefusalError):
    """The reward's window has not begun, or is over."""

    slug = "not-on-sale"
    title = _l("This reward is not on sale now.")


class LevelTooLowError(RefusalError):
    """The reward is for residents of a higher level."""

    slug = "level-too-low"
    title = _l("You have not reached the level that this reward is for.")


class LimitReachedError(RefusalError):
    """The resident has as many of this reward as one may have in its period."""

    slug = "redemption-limit-reached"
    title = _l("You have redeemed this reward as often as you may for now.")


REFUSALS = (
    NotFoundError,
    NotOnSaleError,
    stocking.OutOfStockError,
    LevelTooLowError,
    LimitReachedError,
    ledger.InsufficientPointsError,
    ledger.ResidentFrozenError,
)
"""What `redeem` raises, beside ValidationFailedError for a delivery that is missing or not wanted."""


def redeem(
    *,
    resident_id: int,
    reward_id: int,
    quantity: int,
    delivery: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Redeemed:
    """Give points for a reward at its present price.

    Vouchers and donations are fulfilled at once; what is sent or picked up is reserved, its points held.
    Raises one of REFUSALS.
    """
    moment = now or clock.now()
    reward = reading.find(reward_id)
    _refuse_off_sale(reward, now=moment)
    sealed = deliveries.sealed_for(reward, delivery)
    stocking.refuse_if_short(reward, quantity=quantity)
    wallet = ledger.lock_wallet(resident_id)
    _refuse_resident(wallet, reward, quantity=quantity, now=moment)
    redemption = _new(wallet, reward, quantity=quantity, now=moment)
    redemption.delivery = sealed
    _pay(wallet, redemption)
    if reward.kind == "voucher":
        redemption.voucher_codes = vouchers.claim(redemption)
    db.session.add(redemption)
    db.session.flush()
    stocking.take(reward, quantity=quantity)
    return Redeemed(redemption, reward, wallet.balance)


def _refuse_off_sale(reward: Reward, *, now: datetime) -> None:
    if not reward.active:
        raise NotFoundError
    if not rules.is_open(now, opens_at=reward.on_sale_from, closes_at=reward.on_sale_until):
        raise NotOnSaleError


def _refuse_resident(wallet: Wallet, reward: Reward, *, quantity: int, now: datetime) -> None:
    if wallet.frozen:
        raise ledger.ResidentFrozenError
    if not rules.reaches(reward.min_level, co2e_mg=wallet.co2e_mg):
        raise LevelTooLowError(min_level=reward.min_level)
    if reward.limit_per_resident is None:
        return
    used = _used(wallet.resident_id, reward, now=now)
    if used + quantity > reward.limit_per_resident:
        raise LimitReachedError(limit=reward.limit_per_resident, period=reward.limit_period, used=used)


def _used(resident_id: int, reward: Reward, *, now: datetime) -> int:
    """Pieces of this reward that count in the period around `now`; exact, since the wallet is locked."""
    query = select(func.coalesce(func.sum(Redemption.quantity), 0)).where(
        Redemption.resident_id == resident_id,
        Redemption.reward_id == reward.id,
        Redemption.status.in_(rules.COUNTING),
    )
    bounds = rules.period_bounds(now, period=reward.limit_period, zone=clock.city_zone())
    if bounds is not None:
        query = query.where(Redemption.redeemed_at >= bounds[0], Redemption.redeemed_at < bounds[1])
    return int(db.session.scalar(query) or 0)


def _new(wallet: Wallet, reward: Reward, *, quantity: int, now: datetime) -> Redemption:
    wallet.redemption_seq += 1
    at_once = reward.kind in rules.AT_ONCE
    owner = {"resident_id": wallet.resident_id, "seq": wallet.redemption_seq}
    return Redemption(
        **owner,
        reward_id=reward.id,
        reward_version=reward.version,
        quantity=quantity,
        points=reward.price_points * quantity,
        status="fulfilled" if at_once else "reserved",
        voucher_codes=[],
        pickup_code=pickup_codes.new(**owner) if reward.kind == "pickup" else None,
        redeemed_at=now,
        expires_at=None if at_once else rules.expiry(now, hold_days=reward.hold_days),
        decided_at=now if at_once else None,
    )


def _pay(wallet: Wallet, redemption: Redemption) -> None:
    reference = ledger.Reference(REFERENCE, redemption.seq)
    held = ledger.hold(wallet, points=redemption.points, reference=reference, now=redemption.redeemed_at)
    if redemption.status == "fulfilled":
        ledger.capture(wallet, held)
