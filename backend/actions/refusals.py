"""Why a claim is refused, as HTTP says it for a single action; batches give the reason's slug."""

from http import HTTPStatus

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from backend.actions.claim import Claim
from backend.actions.explaining import number
from backend.actions.rules import Outcome
from backend.catalogue.rules import TaskRules
from backend.errors import NotFoundError, RefusalError, ValidationFailedError
from backend.ledger.service import ResidentFrozenError


class TaskEndedError(RefusalError):
    """The task was over at that time."""

    slug = "task-ended"
    title = _l("This task was over at that time.")


class TaskLockedError(RefusalError):
    """The task had not begun at that time, or the resident has not unlocked it."""

    slug = "task-locked"
    title = _l("This task was not open to you then: it had not begun, or you have not unlocked it.")


class InTheFutureError(RefusalError):
    """The action lies in the future."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "in-the-future"
    title = _l("This lies in the future. Check the clock of your device.")


class TooOldError(RefusalError):
    """The action is too long ago."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "too-old"
    title = _l("This is too long ago to be credited.")


class ImplausibleActivityError(RefusalError):
    """Speed or duration are beyond what the task allows."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "implausible-activity"
    title = _l("The distance and the time do not fit this way of travelling.")


class DuplicateActionError(RefusalError):
    """The same action was recorded before."""

    slug = "duplicate-action"
    title = _l("This action has been recorded before.")


class OverlappingActionError(RefusalError):
    """The trip meets another credited trip in time."""

    slug = "overlapping-action"
    title = _l("Another trip has been credited for that time.")


class DailyLimitReachedError(RefusalError):
    """The task counts no more often in its period."""

    slug = "daily-limit-reached"
    title = _l("This task has been counted as often as it can be for now.")


SIMPLE: dict[str, type[RefusalError]] = {
    "resident-frozen": ResidentFrozenError,
    "task-ended": TaskEndedError,
    "task-locked": TaskLockedError,
    "in-the-future": InTheFutureError,
    "too-old": TooOldError,
    "implausible-activity": ImplausibleActivityError,
    "duplicate-action": DuplicateActionError,
    "overlapping-action": OverlappingActionError,
    "daily-limit-reached": DailyLimitReachedError,
    "unknown-task": NotFoundError,
}
REFUSALS = tuple(dict.fromkeys(SIMPLE.values()))
"""What recording one action raises, beside ValidationFailedError."""


def refusal_of(outcome: Outcome, *, claim: Claim, rules: TaskRules) -> RefusalError:
    """The error for a refused or repeated claim; a wrong field is named with its cure."""
    reason = outcome.reason or "duplicate-action"
    if reason in SIMPLE:
        return SIMPLE[reason]()
    field, message = _wrong_field(reason, claim=claim, rules=rules)
    return ValidationFailedError(message, errors=[{"field": field, "message": message}], reason=reason)


def _wrong_field(reason: str, *, claim: Claim, rules: TaskRules) -> tuple[str, str]:
    if reason == "wrong-unit":
        return "activity.unit", gettext("Give the quantity in %(unit)s.", unit=rules.unit)
    if reason == "quantity-missing":
        return "activity", gettext("Give the quantity in %(unit)s.", unit=rules.unit)
    if reason == "duration-missing":
        return "started_at", gettext("Say when the trip began.")
    if reason == "evidence-not-accepted":
        accepted = ", ".join(rules.evidence)
        return "evidence", gettext("This task accepts: %(tiers)s.", tiers=accepted)
    rule = rules.evidence[claim.tier]
    most = rules.max_milli if rule.quantity_max_milli is None else min(rules.max_milli, rule.quantity_max_milli)
    quantity = 1000 if claim.quantity_milli is None else claim.quantity_milli
    if rules.min_milli <= quantity <= most:
        return "activity.quantity", gettext("This comes to more than one action can earn.")
    span = {"least": number(rules.min_milli), "most": number(most), "unit": rules.unit}
    return "activity.quantity", gettext("Must be from %(least)s to %(most)s %(unit)s.", **span)
