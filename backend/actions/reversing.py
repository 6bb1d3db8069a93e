"""Undoing an award: a reversal entry and a negative projection, never an update of what was posted."""

from datetime import datetime

from flask_babel import lazy_gettext as _l

from backend import outbox
from backend.actions import trail
from backend.actions.models import Action
from backend.database import db
from backend.errors import AlreadyDecidedError, NotFoundError
from backend.ledger import service as ledger


class NotReversibleError(AlreadyDecidedError):
    """Only a credited action can be reversed."""

    title = _l("This action is not credited, or has been reversed before.")


def reverse(*, resident_id: int, seq: int, reason: str, by: str, now: datetime) -> Action:
    """Take a credited action back, grams and points; the balance may fall below zero.

    Raises NotFoundError, NotReversibleError.
    """
    action = take_back(resident_id=resident_id, seq=seq, reason=reason, by=by, now=now)
    trail.record(action, verb="reversed", was="credited", by=by)
    return action


def take_back(*, resident_id: int, seq: int, reason: str, by: str, now: datetime) -> Action:
    """Reverse a credited action without a row in the audit trail: for what the rules do by themselves.

    Raises NotFoundError, NotReversibleError.
    """
    wallet = ledger.lock_wallet(resident_id)
    action = db.session.get(Action, (resident_id, seq), populate_existing=True)
    if action is None:
        raise NotFoundError
    if action.status != "credited":
        raise NotReversibleError
    year = action.local_day.year
    reference = ledger.Reference("action", seq)
    ledger.claw_back(wallet, points=action.points, reference=reference, year=year, now=now)
    wallet.co2e_mg -= action.co2e_mg
    wallet.actions -= 1
    action.status, action.reason, action.decided_by = "reversed", reason, by
    action.decided_at = action.reversed_at = now
    db.session.add(delta(action, sign=-1, now=now))
    db.session.flush()
    return action


def delta(action: Action, *, sign: int, now: datetime) -> outbox.OutboxRow:
    """The outbox row that adds (1) or takes away (-1) an action in the projections."""
    return outbox.OutboxRow(
        resident_id=action.resident_id,
        partition=outbox.partition_of(action.resident_id),
        kind="action",
        day=action.local_day,
        task_id=action.task_id,
        tier=action.tier,
        district_id=action.district_id,
        co2e_mg=sign * action.co2e_mg,
        points=sign * action.points,
        actions=sign,
        posted_at=now,
    )
