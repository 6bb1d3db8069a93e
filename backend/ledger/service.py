"""The ledger's verbs: post, take back, capture, release. All inside the session's transaction.

Holding points is not among them: `rewards` does it in its one statement, from the parts in `spending`.

One lock order everywhere: a resident's wallet first (`lock_wallet`), then whatever else. Every verb expects the
wallet that `lock_wallet` gave: its version is raised, so that awards in flight are judged again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from backend import clock, outbox
from backend.config import Settings
from backend.database import array, db
from backend.errors import AlreadyDecidedError, NotFoundError, RefusalError
from backend.ledger import lots, posting
from backend.ledger.models import Hold, LedgerEntry, Wallet, YearlyPoints


class InsufficientPointsError(RefusalError):
    """The balance does not reach."""

    slug = "insufficient-points"
    title = _l("You do not have enough points.")


class ResidentFrozenError(RefusalError):
    """An admin has frozen the resident, GET /me says why: nothing is earned or spent until that is lifted."""

    status = HTTPStatus.FORBIDDEN
    slug = "resident-frozen"
    title = _l("Your account is frozen. Your profile says why, and you may appeal to the city's service.")


class OwnerFrozenError(RefusalError):
    """The resident concerned is frozen: nothing is credited or handed over."""

    slug = "owner-frozen"
    title = _l("The resident is frozen. Unfreeze the resident first, or refuse or cancel this.")


class HoldClosedError(AlreadyDecidedError):
    """The hold was captured or released before."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The one cause of a movement: a kind and the resident's own number of that thing."""

    kind: str
    id: int


def open_wallet(resident_id: int) -> None:
    """Make the wallet of a new resident; doing it again changes nothing."""
    db.session.execute(insert(Wallet).values(resident_id=resident_id).on_conflict_do_nothing())


def open_wallets(resident_ids: Iterable[int]) -> None:
    """Make the wallets of many new residents; those that have one keep it."""
    ids = select(func.unnest(cast(literal(array(resident_ids)), ARRAY(BigInteger))))
    db.session.execute(insert(Wallet).from_select(["resident_id"], ids).on_conflict_do_nothing())


def lock_wallet(resident_id: int) -> Wallet:
    """The resident's wallet, locked until the transaction ends, and its version raised; raises NotFoundError."""
    query = select(Wallet).where(Wallet.resident_id == resident_id).with_for_update()
    wallet = db.session.scalar(query.execution_options(populate_existing=True))
    if wallet is None:
        raise NotFoundError
    wallet.version += 1
    return wallet


def capture(wallet: Wallet, held: Hold) -> None:
    """The purpose is fulfilled: the points are gone for good."""
    _from_held(held)
    held.state = "captured"
    wallet.held -= held.points


def release(wallet: Wallet, held: Hold, *, now: datetime, grace: bool = False) -> None:
    """The purpose is called off: the points go back into the lots that they came from, paying a debt first.

    They expire when they would have; those whose day has gone by meanwhile, today. With `grace` they are good for
    GRACE_DAYS from now at least.
    """
    _from_held(held)
    held.state = "released"
    wallet.held -= held.points
    wallet.spent -= held.points
    reference = Reference(held.reference_kind, held.reference_id)
    debt = max(0, -wallet.balance)
    _post(wallet, kind="return", contra="redemption", points=held.points, reference=reference, now=now)
    good_until = clock.local_day(now) + timedelta(days=lots.GRACE_DAYS if grace else 0)
    lots.put_back(wallet.resident_id, held.lots, debt=debt, good_until=good_until)
    _tell(wallet.resident_id, kind="return", points=held.points, now=now)


def find_hold(resident_id: int, reference: Reference) -> Hold:
    """The hold of that cause; raises NotFoundError."""
    held = db.session.get(Hold, (resident_id, reference.kind, reference.id))
    if held is None:
        raise NotFoundError
    return held


def claw_back(wallet: Wallet, *, points: int, reference: Reference, year: int, now: datetime) -> None:
    """Reverse an award's points: out of the lots, and where they do not reach, into debt."""
    if points == 0:
        return
    wallet.earned -= points
    _post(wallet, kind="reversal", contra="issuance", points=-points, reference=reference, now=now)
    lots.take_into_debt(wallet.resident_id, points)
    _add_to_year(wallet.resident_id, year=year, points=-points)


def award(wallet: Wallet, *, points: int, reference: Reference, year: int, now: datetime, settings: Settings) -> None:
    """Post the points of an action that was accepted after review."""
    if points == 0:
        return
    wallet.earned += points
    debt = max(0, -wallet.balance)
    _post(wallet, kind="award", contra="issuance", points=points, reference=reference, now=now)
    expires_on = posting.expiry_of(now, months=settings.points_valid_months)
    lots.add(wallet.resident_id, expires_on=expires_on, points=points, debt=debt)
    _add_to_year(wallet.resident_id, year=year, points=points)


def adjust(wallet: Wallet, *, points: int, reference: Reference, now: datetime, settings: Settings) -> None:
    """Post an approved adjustment, up or down."""
    wallet.adjusted += points
    debt = max(0, -wallet.balance)
    _post(wallet, kind="adjust", contra="adjustment", points=points, reference=reference, now=now)
    if points > 0:
        expires_on = posting.expiry_of(now, months=settings.points_valid_months)
        lots.add(wallet.resident_id, expires_on=expires_on, points=points, debt=debt)
    else:
        lots.take_into_debt(wallet.resident_id, -points)
    _tell(wallet.resident_id, kind="adjust", points=points, now=now)


def points_of_year(resident_id: int, year: int) -> int:
    """What a resident's actions of a city year earned."""
    query = select(YearlyPoints.points).where(YearlyPoints.resident_id == resident_id, YearlyPoints.year == year)
    return db.session.scalar(query) or 0


def set_frozen(wallet: Wallet, *, frozen: bool) -> None:
    """Freeze or unfreeze: a frozen resident earns and spends nothing."""
    wallet.frozen = frozen


def _post(wallet: Wallet, *, kind: str, contra: str, points: int, reference: Reference, now: datetime) -> None:
    wallet.balance += points
    wallet.entry_seq += 1
    db.session.add(
        LedgerEntry(
            resident_id=wallet.resident_id,
            seq=wallet.entry_seq,
            kind=kind,
            contra=contra,
            points=points,
            balance_after=wallet.balance,
            reference_kind=reference.kind,
            reference_id=reference.id,
            posted_at=now,
        )
    )


def _tell(resident_id: int, *, kind: str, points: int, now: datetime) -> None:
    db.session.add(
        outbox.OutboxRow(
            resident_id=resident_id,
            partition=outbox.partition_of(resident_id),
            kind=kind,
            day=clock.local_day(now),
            co2e_mg=0,
            points=points,
            actions=0,
            posted_at=now,
        )
    )


def _add_to_year(resident_id: int, *, year: int, points: int) -> None:
    row = insert(YearlyPoints).values(resident_id=resident_id, year=year, points=points)
    more = {"points": YearlyPoints.points + row.excluded.points}
    db.session.execute(row.on_conflict_do_update(index_elements=["resident_id", "year"], set_=more))


def _from_held(held: Hold) -> None:
    if held.state != "held":
        raise HoldClosedError
