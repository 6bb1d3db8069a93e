"""What becomes of a reserved redemption: fulfilled, cancelled or expired.

Whoever locks the wallet first decides.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, tuple_

from backend import audit
from backend.database import db
from backend.errors import AlreadyDecidedError, NotFoundError, RefusalError
from backend.ledger import service as ledger
from backend.ledger.models import Hold, Wallet
from backend.ledger.service import OwnerFrozenError
from backend.rewards import pickup_codes, reading, stocking
from backend.rewards.models import Redemption
from backend.rewards.reading import Redeemed
from backend.rewards.redeeming import REFERENCE
from backend.web import public_ids

JOB = "job:expire"
RedemptionKey = tuple[int, int]
"""A resident, and the number of the redemption."""


class RedemptionDecidedError(AlreadyDecidedError):
    """The redemption is not reserved any more."""

    title = _l("This redemption has been fulfilled, cancelled or expired before.")


class RedemptionOverdueError(RefusalError):
    """The time in which it could be collected is over."""

    slug = "redemption-expired"
    title = _l("This redemption was not collected in time: its points go back.")


FULFIL_REFUSALS = (RedemptionDecidedError, RedemptionOverdueError, OwnerFrozenError)
"""What `fulfil` raises, beside NotFoundError."""


def cancel(resident_id: int, seq: int, *, now: datetime) -> Redeemed:
    """The resident gives a reserved redemption up: points, stock and limit come back.

    Raises NotFoundError, RedemptionDecidedError.
    """
    return _cancel(resident_id, seq, by=f"resident:{resident_id}", reason=None, now=now)


def call_off(resident_id: int, seq: int, *, by: str, reason: str, now: datetime) -> Redeemed:
    """The same by those who should hand it over; the resident reads why, and the audit trail keeps by whom.

    Points that would end soon are good for `lots.GRACE_DAYS`.
    """
    decided = _cancel(resident_id, seq, by=by, reason=reason, now=now, grace=True)
    _record(decided.redemption, by=by)
    return decided


def cancel_all(resident_id: int, *, by: str, reason: str, now: datetime) -> None:
    """Call all of a resident's reserved redemptions off; raises NotFoundError.

    It may wait for rewards, and holds them until the transaction ends: nothing that waits may follow.
    """
    wallet = ledger.lock_wallet(resident_id)
    mine = select(Redemption).where(Redemption.resident_id == resident_id, Redemption.status == "reserved")
    in_order = mine.order_by(Redemption.seq).execution_options(populate_existing=True)
    reserved = db.session.scalars(in_order).all()
    for redemption in reserved:
        _call_off(wallet, redemption, status="cancelled", by=by, reason=reason, now=now)
    _give_back(reserved)


def fulfil(resident_id: int, seq: int, *, by: str, now: datetime) -> Redeemed:
    """Note that the reward was handed over or sent: the points are gone for good.

    Raises NotFoundError, RedemptionDecidedError, RedemptionOverdueError, OwnerFrozenError.
    """
    wallet = ledger.lock_wallet(resident_id)
    redemption = _reserved(resident_id, seq)
    if wallet.frozen:
        raise OwnerFrozenError
    if redemption.expires_at is not None and redemption.expires_at <= now:
        raise RedemptionOverdueError
    ledger.capture(wallet, _hold(redemption))
    _decide(redemption, status="fulfilled", by=by, now=now)
    decided = _decided(wallet, redemption)
    _record(redemption, by=by)
    return decided


def fulfil_by_code(code: str, *, by: str, now: datetime) -> Redeemed:
    """Hand over what a pick-up code stands for; raises NotFoundError, and whatever `fulfil` raises."""
    wanted = pickup_codes.read(code)
    if wanted is None or wanted[0] > public_ids.LARGEST_BIGINT or wanted[1] > public_ids.LARGEST_INTEGER:
        raise NotFoundError(_l("There is no such pick-up code."))
    resident_id, seq, plain = wanted
    found = db.session.get(Redemption, (resident_id, seq))
    if found is None or not pickup_codes.matches(found.pickup_code, plain):
        raise NotFoundError(_l("There is no such pick-up code."))
    return fulfil(resident_id, seq, by=by, now=now)


def find_overdue(*, now: datetime, limit: int, but: Collection[RedemptionKey] = ()) -> list[RedemptionKey]:
    """Up to `limit` reserved redemptions that nobody collected in time, other than `but`; resident by resident."""
    key = Redemption.resident_id, Redemption.seq
    overdue = select(*key).where(Redemption.status == "reserved", Redemption.expires_at <= now)
    if but:
        overdue = overdue.where(tuple_(*key).not_in(but))
    rows = db.session.execute(overdue.order_by(Redemption.expires_at).limit(limit))
    return sorted((resident_id, seq) for resident_id, seq in rows)


def expire_all(overdue: Sequence[RedemptionKey], *, now: datetime) -> int:
    """Call these off, as found; returns how many were still reserved. Raises NotFoundError.

    All wallets are locked in order before any reward, as everywhere: so no two of us can wait for each other.
    """
    expired = [
        redemption for resident_id, seq in overdue if (redemption := _expire(resident_id, seq, now=now)) is not None
    ]
    _give_back(expired)
    return len(expired)


def _cancel(resident_id: int, seq: int, *, by: str, reason: str | None, now: datetime, grace: bool = False) -> Redeemed:
    wallet = ledger.lock_wallet(resident_id)
    redemption = _reserved(resident_id, seq)
    _call_off(wallet, redemption, status="cancelled", by=by, reason=reason, now=now, grace=grace)
    decided = _decided(wallet, redemption)
    _give_back([redemption])
    return decided


def _expire(resident_id: int, seq: int, *, now: datetime) -> Redemption | None:
    wallet = ledger.lock_wallet(resident_id)
    redemption = reading.redemption(resident_id, seq)
    if redemption.status != "reserved":
        return None
    _call_off(wallet, redemption, status="expired", by=JOB, reason=None, now=now)
    db.session.flush()
    return redemption


def _reserved(resident_id: int, seq: int) -> Redemption:
    redemption = reading.redemption(resident_id, seq)
    if redemption.status != "reserved":
        raise RedemptionDecidedError(status_now=redemption.status)
    return redemption


def _call_off(
    wallet: Wallet,
    redemption: Redemption,
    *,
    status: str,
    by: str,
    reason: str | None,
    now: datetime,
    grace: bool = False,
) -> None:
    # Who calls off their own, or does not come for it, must not put off by it when points expire.
    ledger.release(wallet, _hold(redemption), now=now, grace=grace)
    redemption.delivery = None  # nothing will be sent there any more
    redemption.reason = reason
    _decide(redemption, status=status, by=by, now=now)


def _give_back(called_off: Iterable[Redemption]) -> None:
    db.session.flush()
    pieces: Counter[int] = Counter()
    for redemption in called_off:
        pieces[redemption.reward_id] += redemption.quantity
    stocking.give_back(pieces)


def _decide(redemption: Redemption, *, status: str, by: str, now: datetime) -> None:
    redemption.status, redemption.decided_by, redemption.decided_at = status, by, now


def _record(redemption: Redemption, *, by: str) -> None:
    audit.record(
        actor=by,
        action=f"redemption.{redemption.status}",
        object_kind="redemption",
        object_id=public_ids.text(redemption.resident_id, redemption.seq),
        before={"status": "reserved"},
        after={"status": redemption.status, "reason": redemption.reason},
    )


def _hold(redemption: Redemption) -> Hold:
    return ledger.find_hold(redemption.resident_id, ledger.Reference(REFERENCE, redemption.seq))


def _decided(wallet: Wallet, redemption: Redemption) -> Redeemed:
    db.session.flush()
    return Redeemed(redemption, reading.find(redemption.reward_id), wallet.balance)
