"""Points given or taken by hand: one admin asks, another decides, the ledger follows."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from backend import audit, clock, present
from backend.database import db
from backend.errors import AlreadyDecidedError, ForbiddenError, NotFoundError
from backend.ledger import service as ledger
from backend.ledger.models import Adjustment, Wallet
from backend.ledger.service import Reference
from backend.residents.models import Resident
from backend.web import public_ids
from backend.web.paging import Page, decode_number, page_of

STATUSES = ("pending", "approved", "refused")


class OwnAdjustmentError(ForbiddenError):
    """Who asked for an adjustment does not decide on it."""

    title = _l("You asked for this adjustment: another admin must decide.")


class AdjustmentDecidedError(AlreadyDecidedError):
    """The adjustment has been approved or refused before."""

    title = _l("This adjustment has been approved or refused before.")


@dataclass(frozen=True, slots=True)
class AdjustmentId:
    """The public id `<resident_id>-<id>`, in its parts."""

    resident_id: int
    id: int

    @classmethod
    def parse(cls, text: str) -> "AdjustmentId":
        """The parts of a public id; raises NotFoundError for what is none."""
        return cls(*public_ids.parse(text, most=public_ids.LARGEST_BIGINT))


def request(*, resident_id: int, points: int, reason: str, by: str) -> Adjustment:
    """Ask for an adjustment, up or down; nothing moves yet. Raises NotFoundError."""
    _refuse_who_has_left(resident_id)
    adjustment = Adjustment(
        resident_id=resident_id,
        points=points,
        reason=reason,
        status="pending",
        requested_by=by,
        requested_at=clock.now(),
    )
    db.session.add(adjustment)
    db.session.flush()
    _record(adjustment, action="requested", was=None, by=by)
    return adjustment


def approve(which: AdjustmentId, *, by: str) -> Adjustment:
    """Let the points move; raises NotFoundError (also where the resident has left), OwnAdjustmentError,
    AdjustmentDecidedError.
    """
    wallet = ledger.lock_wallet(which.resident_id)
    _refuse_who_has_left(which.resident_id)
    adjustment = _decide(which, status="approved", by=by)
    ledger.adjust(
        wallet,
        points=adjustment.points,
        reference=Reference("adjustment", adjustment.id),
        now=clock.now(),
        settings=present.settings(),
    )
    db.session.flush()
    return adjustment


def refuse(which: AdjustmentId, *, by: str) -> Adjustment:
    """Let it be; raises NotFoundError, OwnAdjustmentError, AdjustmentDecidedError."""
    return _decide(which, status="refused", by=by)


def carry_over(wallet: Wallet, *, points: int, reason: str, by: str, now: datetime) -> None:
    """Let points move by a rule of the site's: nobody asks for it, and nobody decides. Expects the wallet locked."""
    adjustment = Adjustment(
        resident_id=wallet.resident_id,
        points=points,
        reason=reason,
        status="approved",
        requested_by=by,
        requested_at=now,
        decided_at=now,
    )
    db.session.add(adjustment)
    db.session.flush()
    _record(adjustment, action="approved", was=None, by=by)
    reference = Reference("adjustment", adjustment.id)
    ledger.adjust(wallet, points=points, reference=reference, now=now, settings=present.settings())


def page(*, status: str | None, limit: int, cursor: str | None) -> Page:
    """A page of adjustments, newest first."""
    query = select(Adjustment).order_by(Adjustment.id.desc()).limit(limit + 1)
    before = decode_number(cursor, below=2**63)
    if before is not None:
        query = query.where(Adjustment.id < before)
    if status is not None:
        query = query.where(Adjustment.status == status)
    return page_of(db.session.scalars(query).all(), limit=limit, key=lambda adjustment: adjustment.id)


def _decide(which: AdjustmentId, *, status: str, by: str) -> Adjustment:
    query = select(Adjustment).where(Adjustment.resident_id == which.resident_id, Adjustment.id == which.id)
    adjustment = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if adjustment is None:
        raise NotFoundError
    if adjustment.requested_by == by:
        raise OwnAdjustmentError
    if adjustment.status != "pending":
        raise AdjustmentDecidedError
    was = adjustment.status
    adjustment.status, adjustment.decided_by, adjustment.decided_at = status, by, clock.now()
    db.session.flush()
    _record(adjustment, action=status, was=was, by=by)
    return adjustment


def _refuse_who_has_left(resident_id: int) -> None:
    state = db.session.scalar(select(Resident.state).where(Resident.resident_id == resident_id))
    if state != "active":
        raise NotFoundError


def _record(adjustment: Adjustment, *, action: str, was: str | None, by: str) -> None:
    audit.record(
        actor=by,
        action=f"adjustment.{action}",
        object_kind="adjustment",
        object_id=public_ids.text(adjustment.resident_id, adjustment.id),
        before=None if was is None else {"status": was},
        after={"points": adjustment.points, "reason": adjustment.reason, "status": adjustment.status},
    )
