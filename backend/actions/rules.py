"""The rules that decide what a claim earns, in the order of the catalogue: pure, no database.

Range and unit → plausibility → duplicate → overlap → limits; then grams, then points, then caps. Grams and points
are two books: a cap cuts points, never grams; a limit on how often a task counts refuses the action itself.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from backend.actions.claim import Claim
from backend.actions.standing import Standing, Trip
from backend.catalogue.rules import EvidenceRule, TaskRules
from backend.emissions.rules import Quantification

MICROSECOND = timedelta(microseconds=1)
MOST_MG = 10**12
"""Of one action: a thousand tonnes, more than any resident's lifetime, and nine million of them fit into a sum."""
MOST_POINTS = 10**9
"""Of one action, where the city's caps allow so many."""


@dataclass(frozen=True, slots=True)
class Caps:
    """City-wide caps on points, and how far a clock may be ahead."""

    day: int
    year: int
    future_skew: timedelta


class Outcome(NamedTuple):
    """What became of a claim: `status` is credited, pending, duplicate or refused; `reason` a slug if not credited."""

    status: str
    reason: str | None = None
    co2e_mg: int = 0
    points: int = 0
    capped_by: str | None = None
    quantity_milli: int = 0
    quantification: Quantification | None = None
    replaces: tuple[Trip, ...] = ()
    """Declared trips that this better record of the same trip takes the place of. Its points are cut to what those have
    left of the caps: once they are reversed it is judged again, and what they took is free.
    """


def _refused(reason: str) -> Outcome:
    return Outcome("refused", reason)


DUPLICATE = Outcome("duplicate", "duplicate-action")


def decide(claim: Claim, rules: TaskRules, *, standing: Standing, caps: Caps, now: datetime) -> Outcome:
    """Judge one claim against a resident's standing; changes nothing (see Standing.add)."""
    rule = rules.evidence.get(claim.tier)
    early = _not_at_all(claim, rules, rule=rule, standing=standing, now=now, skew=caps.future_skew)
    if early or rule is None:
        return early or _refused("evidence-not-accepted")
    quantity = claim.quantity_milli if claim.quantity_milli is not None else 1000
    reason = _out_of_range(claim, rules, rule=rule, quantity=quantity) or _implausible(claim, rules, quantity)
    if reason:
        return _refused(reason)
    if standing.knows(claim):
        return DUPLICATE
    met = standing.trips_meeting(claim.happened_at, claim.ended_at) if rules.trip and claim.ended_at else []
    if met and not _all_replaced(claim, met):
        return _refused("overlapping-action")
    if _limit_reached(claim, rules, rule=rule, standing=standing, freed=met):
        return _refused("daily-limit-reached")
    quantification = rules.quantifier.on(claim.day) if rules.quantifier else None
    if rules.quantifier and quantification is None:
        return _refused("task-ended" if rules.quantifier.has_ended(claim.day) else "too-old")
    outcome = credit(
        claim, rules, quantity=quantity, used=quantification, replaces=tuple(met), standing=standing, caps=caps
    )
    if rule.review and outcome.status == "credited":
        return Outcome("pending", quantity_milli=quantity, quantification=quantification)
    return outcome


def credit(
    claim: Claim,
    rules: TaskRules,
    *,
    quantity: int,
    used: Quantification | None,
    replaces: tuple[Trip, ...] = (),
    standing: Standing,
    caps: Caps,
) -> Outcome:
    """Grams and points of a claim that counts: grams in full, points cut to the caps that are left.

    Refused as out of range where they come to more than any action is worth: factors are set by people, who slip, and
    what they come to must fit the books.

    `used` are the factor versions to reckon with, `replaces` what the outcome says of it.
    """
    counted = rules.counted(quantity)
    co2e_mg = used.reduction_mg(counted) if used else 0
    wanted = rules.evidence[claim.tier].points_for(counted_milli=counted, co2e_mg=co2e_mg)
    points, capped_by = _capped(wanted, claim, rules, standing=standing, caps=caps)
    if co2e_mg > MOST_MG or points > MOST_POINTS:
        return _refused("out-of-range")
    return Outcome("credited", None, co2e_mg, points, capped_by, quantity, used, replaces)


def _not_at_all(
    claim: Claim, rules: TaskRules, *, rule: EvidenceRule | None, standing: Standing, now: datetime, skew: timedelta
) -> Outcome | None:
    if standing.frozen:
        return _refused("resident-frozen")
    if rules.over_at(claim.happened_at):
        return _refused("task-ended")
    if not rules.begun_at(claim.happened_at):
        return _refused("task-locked")
    if not (claim.in_place_of_declared or rules.unlocked_by(co2e_mg=standing.co2e_mg, actions=standing.actions)):
        return _refused("task-locked")
    if rule is None:
        return _refused("evidence-not-accepted")
    latest = now + skew
    if claim.happened_at > latest or (claim.ended_at is not None and claim.ended_at > latest):
        return _refused("in-the-future")
    if _is_past(claim, standing=standing, now=now):
        return _refused("too-old")
    return None


def _is_past(claim: Claim, *, standing: Standing, now: datetime) -> bool:
    if claim.happened_at < now - _days(claim.max_age_days):
        return True
    return standing.left_on is not None and claim.day < standing.left_on


@cache
def _days(number: int) -> timedelta:
    return timedelta(days=number)


def _out_of_range(claim: Claim, rules: TaskRules, *, rule: EvidenceRule, quantity: int) -> str | None:
    if claim.unit is not None and claim.unit != rules.unit:
        return "wrong-unit"
    if claim.quantity_milli is None and rules.unit != "count":
        return "quantity-missing"
    most = rules.max_milli if rule.quantity_max_milli is None else min(rules.max_milli, rule.quantity_max_milli)
    if not rules.min_milli <= quantity <= most:
        return "out-of-range"
    return None


def _implausible(claim: Claim, rules: TaskRules, quantity: int) -> str | None:
    if not rules.trip:
        return None
    if claim.ended_at is None:
        return "duration-missing"
    micros = (claim.ended_at - claim.happened_at) // MICROSECOND
    if micros <= 0 or (rules.max_duration_s is not None and micros > rules.max_duration_s * 1_000_000):
        return "implausible-activity"
    # quantity_milli / 1000 m in micros / 3.6e9 h, compared without a division: exact at the limit.
    if rules.max_metres_an_hour is not None and quantity * 3_600_000 > rules.max_metres_an_hour * micros:
        return "implausible-activity"
    return None


def _all_replaced(claim: Claim, met: list[Trip]) -> bool:
    return claim.tier in {"partner", "device"} and all(trip.tier == "declaration" for trip in met)


def _limit_reached(
    claim: Claim, rules: TaskRules, *, rule: EvidenceRule, standing: Standing, freed: list[Trip]
) -> bool:
    period = _period(claim.day, rules)
    # The account that was left may have counted in it as often as one may.
    if standing.left_on is not None and period <= standing.left_on:
        return True
    used = standing.count(rules.task_id, period, monthly=rules.limit_period == "month")
    if freed:
        used -= sum(1 for trip in freed if trip.task_id == rules.task_id and _period(trip.day, rules) == period)
    if used >= rules.limit_count:
        return True
    shared = rule.shared_limit
    return shared is not None and standing.shared_count(shared.group, claim.day) >= shared.per_day


def _period(day: date, rules: TaskRules) -> date:
    return day if rules.limit_period == "day" else day.replace(day=1)


def _capped(wanted: int, claim: Claim, rules: TaskRules, *, standing: Standing, caps: Caps) -> tuple[int, str | None]:
    day, task_id = claim.day, rules.task_id
    of_day, of_year = caps.day - standing.points_on(day), caps.year - standing.points_in(day.year)
    of_task = wanted if rules.points_cap_day is None else rules.points_cap_day - standing.task_points(task_id, day)
    if wanted <= of_day and wanted <= of_year and wanted <= of_task:
        return wanted, None
    left, tightest = min((of_day, "city_day"), (of_year, "city_year"), (of_task, "task_day"))
    return max(0, left), tightest
