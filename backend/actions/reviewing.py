"""Deciding on pending actions: accept posts the award by the rules it was submitted under, refuse ends it."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, select, tuple_

from backend import clock, present
from backend.actions import trail
from backend.actions.claim import Claim
from backend.actions.judging import caps_of
from backend.actions.loading import lock_and_load
from backend.actions.models import Action
from backend.actions.refusals import OverlappingActionError, refusal_of
from backend.actions.reversing import delta
from backend.actions.rules import Outcome, credit
from backend.catalogue import service as catalogue_service
from backend.catalogue.rules import TaskRules
from backend.config import Settings
from backend.database import cursor, db
from backend.emissions import service as emissions
from backend.emissions.rules import Quantification
from backend.errors import AlreadyDecidedError, NotFoundError, ValidationFailedError
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.ledger.service import OwnerFrozenError, Reference
from backend.web.paging import Place


class NotPendingError(AlreadyDecidedError):
    """The action has been accepted, refused or reversed before."""

    title = _l("This action has been decided before.")


ACCEPT_REFUSALS = (NotPendingError, OwnerFrozenError, OverlappingActionError, ValidationFailedError)


def of_status(*, status: str, limit: int, after: Place | None) -> Sequence[Action]:
    """Actions of a status in the order they came in, at most `limit`; `after` is where the page before ended.

    Nearly all are credited, too many to sort: these come in the order of their numbers, resident by resident.
    """
    # Written into the statement: what is planned for one status would not do for another, and only where it knows the
    # status does PostgreSQL take the index of what is not credited.
    query = select(Action).where(Action.status == bindparam(None, status, literal_execute=True))
    columns = [Action.resident_id, Action.seq]
    order = columns if status == "credited" else [Action.posted_at, *columns]
    if after is not None:
        query = query.where(tuple_(*order) > after[-len(order) :])
    return db.session.scalars(query.order_by(*order).limit(limit)).all()


def accept(*, resident_id: int, seq: int, by: str, now: datetime) -> Action:
    """Credit a pending action by the rules and factor versions of when it was submitted.

    Grams in full, points cut to what is left of the caps of its day. Raises NotFoundError, NotPendingError,
    OwnerFrozenError, OverlappingActionError where another trip has been credited for that time since, and
    ValidationFailedError where it comes to more than one action can earn.
    """
    wallet, action = _locked(resident_id, seq)
    settings = present.settings()
    outcome = _judged(action, settings=settings)
    year, reference = action.local_day.year, Reference("action", seq)
    ledger.award(wallet, points=outcome.points, reference=reference, year=year, now=now, settings=settings)
    wallet.co2e_mg += outcome.co2e_mg
    wallet.actions += 1
    action.status, action.co2e_mg, action.points = "credited", outcome.co2e_mg, outcome.points
    action.capped_by = outcome.capped_by
    # From here on it counts: boards rank by when the points were there, not by when the photo came in.
    action.posted_at = action.decided_at = now
    action.decided_by = by
    db.session.add(delta(action, sign=1, now=now))
    db.session.flush()
    trail.record(action, verb="accepted", was="pending", by=by)
    return action


def _judged(action: Action, *, settings: Settings) -> Outcome:
    """What the action comes to now, with its resident's wallet locked; raises what `accept` does."""
    rules = catalogue_service.version(action.task_version_id)
    claim = _claim(action, rules)
    standing = lock_and_load(cursor(), {action.resident_id: [claim]}).standings[action.resident_id]
    if standing.frozen:
        raise OwnerFrozenError
    if claim.ended_at and rules.trip and standing.trips_meeting(claim.happened_at, claim.ended_at):
        raise OverlappingActionError
    outcome = credit(
        claim,
        rules,
        quantity=int(action.quantity * 1000),
        used=_quantification(action),
        standing=standing,
        caps=caps_of(settings),
    )
    if outcome.status == "refused":
        raise refusal_of(outcome, claim=claim, rules=rules)
    return outcome


def refuse(*, resident_id: int, seq: int, reason: str, by: str, now: datetime) -> Action:
    """End a pending action without credit; it no longer uses up its limit. Raises NotFoundError, NotPendingError."""
    _, action = _locked(resident_id, seq)
    action.status, action.reason, action.decided_by, action.decided_at = "refused", reason, by, now
    db.session.flush()
    trail.record(action, verb="refused", was="pending", by=by)
    return action


def _locked(resident_id: int, seq: int) -> tuple[Wallet, Action]:
    wallet = ledger.lock_wallet(resident_id)
    action = db.session.get(Action, (resident_id, seq), populate_existing=True)
    if action is None:
        raise NotFoundError
    if action.status != "pending":
        raise NotPendingError
    return wallet, action


def _quantification(action: Action) -> Quantification | None:
    ids = (action.methodology_id, action.baseline_factor_id, action.project_factor_id)
    return emissions.used_by([ids]).get(ids)


def _claim(action: Action, rules: TaskRules) -> Claim:
    return Claim(
        task=rules.code,
        tier=action.tier,
        quantity_milli=int(action.quantity * 1000),
        unit=rules.unit,
        happened_at=action.happened_at,
        ended_at=action.ended_at,
        day=clock.local_day(action.happened_at),
    )
