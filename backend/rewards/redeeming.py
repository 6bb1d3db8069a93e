"""Redeeming points for a reward: one read, one write, as an award is recorded.

If anything of the resident's or of the reward's moved in between, the write changes nothing, and it is judged again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from flask_babel import lazy_gettext as _l
from psycopg.types.json import Jsonb

from backend import clock, outbox
from backend.database import array, db, prepared_statements
from backend.database import cursor as session_cursor
from backend.database.statements import OUTDATED, AnyCursor
from backend.errors import NotFoundError, RefusalError, UnauthenticatedError
from backend.ledger import service as ledger
from backend.ledger import spending
from backend.ledger.turns import in_turn
from backend.residents.auth import Caller
from backend.rewards import delivery as deliveries
from backend.rewards import pickup_codes, rules, stocking, writing
from backend.rewards.models import Redemption, Reward
from backend.rewards.reading import Redeemed
from backend.web.idempotency import Request, replayed

REFERENCE = "redemption"
"""Kind of the ledger's reference; its id is the resident's own number of the redemption."""

ATTEMPTS = 20
"""Rounds of compare and set before giving up: each lost round means that another request of the resident won, or an
admin changed the reward, or its last pieces went."""
Render = Callable[[Redeemed], dict[str, Any]]
"""Makes the answer that is stored under the idempotency key, in the same statement as the effect."""


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a resident asks for; `delivery` for a physical reward, and only then."""

    reward_id: int
    quantity: int
    delivery: Mapping[str, str] | None = None


def redeem(
    *,
    resident_id: int,
    reward_id: int,
    quantity: int,
    delivery: Mapping[str, str] | None = None,
    now: datetime,
) -> Redeemed:
    """Give points for a reward at its present price, inside the session's transaction.

    Vouchers and donations are fulfilled at once; what is sent or picked up is reserved, its points held.
    Raises one of REFUSALS.
    """
    db.session.flush()
    cursor, wanted = session_cursor(), Wanted(reward_id, quantity, delivery)
    for _ in range(ATTEMPTS):
        found = _read(cursor, wanted, resident_id=resident_id, request=Request(), now=now)
        redeemed = _judged(found, wanted, now=now)
        if _write(cursor, found, redeemed, request=Request(), body=None):
            return redeemed
    raise _too_many()


def redeem_once(
    wanted: Wanted, *, caller: Caller, request: Request, render: Render
) -> tuple[int, dict[str, Any], bool]:
    """Redeem for a request, in a transaction of its own: status, answer, and whether it is the stored one of before.

    Raises one of REFUSALS, UnauthenticatedError for ended sessions, IdempotencyKeyReusedError for a key that stood
    for another request.
    """
    now = clock.now()
    with prepared_statements() as cursor:
        attempt = partial(_attempt, cursor, wanted, caller=caller, request=request, render=render, now=now)
        answer = attempt()
        for _ in range(ATTEMPTS):
            if answer is not None:
                break
            try:
                with in_turn(cursor, caller.resident_id):
                    judged = attempt()
            except OUTDATED:
                # All was taken back; prepared anew it may be done.
                continue
            # Committed, and not before.
            answer = judged
    if answer is None:
        raise _too_many()
    return answer


def _attempt(
    cursor: AnyCursor, wanted: Wanted, *, caller: Caller, request: Request, render: Render, now: datetime
) -> tuple[int, dict[str, Any], bool] | None:
    """One round; None where something has moved."""
    found = _read(cursor, wanted, resident_id=caller.resident_id, request=request, now=now)
    if found.state != "active" or found.token_epoch != caller.epoch:
        raise UnauthenticatedError
    if found.replay is not None:
        return *found.replay, True
    redeemed = _judged(found, wanted, now=now)
    body = render(redeemed)
    try:
        if not _write(cursor, found, redeemed, request=request, body=body):
            return None
    except psycopg.errors.UniqueViolation:
        # The same key won in between: the next round reads its answer.
        return None
    return 201, render(redeemed) if redeemed.redemption.voucher_codes else body, False


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database holds of a resident and a reward at one moment."""

    resident_id: int
    replay: tuple[int, dict[str, Any]] | None
    reward: Reward | None
    state: str
    token_epoch: int
    frozen: bool
    co2e_mg: int
    balance: int
    version: int
    redemption_seq: int
    lots: Sequence[tuple[str, int]] | None
    used: int
    """Pieces of this reward that count in its present period."""


def _read(cursor: AnyCursor, wanted: Wanted, *, resident_id: int, request: Request, now: datetime) -> _Found:
    values = {"resident_id": resident_id, "reward_id": wanted.reward_id, "key": request.key}
    row = cursor.execute(
        writing.READ, {**values, **writing.periods(clock.local_day(now), clock.city_zone())}
    ).fetchone()
    if row is None:
        raise NotFoundError
    *mine, key_hash, key_status, key_body = row[:-_TERMS]
    terms = row[-_TERMS:]
    return _Found(
        resident_id,
        replayed(request, stored_hash=key_hash, status=key_status, body=key_body),
        None if terms[0] is None else Reward(**dict(zip(writing.COLUMNS, terms, strict=True))),
        *mine,
    )


_TERMS = len(writing.COLUMNS)


def _judged(found: _Found, wanted: Wanted, *, now: datetime) -> Redeemed:
    """What comes of it if nothing moves; raises one of REFUSALS."""
    reward = found.reward
    if reward is None or not reward.active:
        raise NotFoundError
    if not rules.is_open(now, opens_at=reward.on_sale_from, closes_at=reward.on_sale_until):
        raise NotOnSaleError
    sealed = deliveries.sealed_for(reward, wanted.delivery)
    stocking.refuse_if_short(reward, quantity=wanted.quantity)
    _refuse_resident(found, reward, quantity=wanted.quantity)
    points = reward.price_points * wanted.quantity
    if points > found.balance:
        raise ledger.InsufficientPointsError(balance=found.balance, points_needed=points)
    return Redeemed(_redemption(found, reward, wanted, sealed=sealed, now=now), reward, found.balance - points)


def _refuse_resident(found: _Found, reward: Reward, *, quantity: int) -> None:
    if found.frozen:
        raise ledger.ResidentFrozenError
    if not rules.reaches(reward.min_level, co2e_mg=found.co2e_mg):
        raise LevelTooLowError(min_level=reward.min_level)
    most = reward.limit_per_resident
    if most is not None and found.used + quantity > most:
        raise LimitReachedError(limit=most, period=reward.limit_period, used=found.used)


def _redemption(found: _Found, reward: Reward, wanted: Wanted, *, sealed: str | None, now: datetime) -> Redemption:
    at_once = reward.kind in rules.AT_ONCE
    owner = {"resident_id": found.resident_id, "seq": found.redemption_seq + 1}
    return Redemption(
        **owner,
        reward_id=reward.id,
        reward_version=reward.version,
        quantity=wanted.quantity,
        points=reward.price_points * wanted.quantity,
        status="fulfilled" if at_once else "reserved",
        voucher_codes=[],
        pickup_code=pickup_codes.new(**owner) if reward.kind == "pickup" else None,
        delivery=sealed,
        redeemed_at=now,
        expires_at=None if at_once else rules.expiry(now, hold_days=reward.hold_days),
        decided_at=now if at_once else None,
    )


def _write(
    cursor: AnyCursor, found: _Found, redeemed: Redeemed, *, request: Request, body: dict[str, Any] | None
) -> bool:
    """Write it all, or nothing where something has moved; the redemption then holds its voucher codes.

    Raises OutOfStockError where the pool has fewer codes than the stock says.
    """
    statement = writing.WRITE_WITH_CODES if redeemed.reward.kind == "voucher" else writing.WRITE
    cursor.execute(statement, _values(found, redeemed, request=request, body=body))
    codes, unmoved = cursor.fetchall()[0]
    if codes is None and unmoved:
        raise stocking.OutOfStockError
    if codes is not None:
        redeemed.redemption.voucher_codes = codes
    return codes is not None


def _values(found: _Found, redeemed: Redeemed, *, request: Request, body: dict[str, Any] | None) -> dict[str, Any]:
    redemption, reserved = redeemed.redemption, redeemed.redemption.status == "reserved"
    taken = spending.parts(found.lots or (), redemption.points)
    return {
        "resident_id": found.resident_id,
        "version": found.version,
        "reward_id": redemption.reward_id,
        "reward_version": redemption.reward_version,
        "quantity": redemption.quantity,
        "points": redemption.points,
        "held": redemption.points if reserved else 0,
        "hold_state": "held" if reserved else "captured",
        "hold_lots": Jsonb(taken),
        "lot_days": array(day for day, _ in taken),
        "lot_points": array(part for _, part in taken),
        "status": redemption.status,
        "pickup_code": redemption.pickup_code,
        "delivery": redemption.delivery,
        "expires_at": redemption.expires_at,
        "decided_at": redemption.decided_at,
        "now": redemption.redeemed_at,
        "day": clock.local_day(redemption.redeemed_at),
        "partition": outbox.partition_of(found.resident_id),
        "key": request.key,
        "request_hash": request.hash,
        "answer_status": 201,
        "body": Jsonb(body) if request.key else None,
    }


def _too_many() -> Exception:
    return psycopg.errors.LockNotAvailable("too many requests for one resident or one reward at once")
