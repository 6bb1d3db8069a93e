"""Judging claims one after another against a standing that moves with them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from backend.actions.claim import Claim
from backend.actions.loading import group_of
from backend.actions.rules import Caps, Outcome, decide
from backend.actions.standing import Standing, Trip
from backend.catalogue.rules import TaskRules
from backend.catalogue.service import Catalogue
from backend.config import Settings


class Judged(NamedTuple):
    """A claim with its outcome and, if it counts, its numbers in the resident's books."""

    claim: Claim
    rules: TaskRules
    outcome: Outcome
    resident_id: int
    seq: int = 0
    entry_seq: int = 0
    balance_after: int = 0
    district_id: int | None = None

    @property
    def quantity(self) -> Decimal:
        """Activity data in the task's unit."""
        return Decimal(self.outcome.quantity_milli).scaleb(-3)

    @property
    def recorded(self) -> bool:
        """Whether an action row comes of it."""
        return self.outcome.status in {"credited", "pending"}


_BY_TIME = attrgetter("happened_at", "place")


def caps_of(settings: Settings) -> Caps:
    """The city-wide caps that are set."""
    return Caps(settings.points_cap_day, settings.points_cap_year, timedelta(seconds=settings.future_skew_s))


def in_order(claims: Iterable[Claim]) -> list[Claim]:
    """Claims as batches are taken: by when they began, then by their place."""
    return sorted(claims, key=_BY_TIME)


class Judgement(NamedTuple):
    """What one round of judging gave for one resident."""

    judged: list[Judged]
    reversals: tuple[Trip, ...] = ()
    """Declared trips to reverse before `rest` is judged: its first claim takes their place."""
    rest: tuple[Claim, ...] = ()


def judge(claims: Iterable[Claim], *, standing: Standing, catalogue: Catalogue, caps: Caps, now: datetime) -> Judgement:
    """Judge the claims of one resident in order; the standing moves with each that counts.

    Stops before a claim that replaces declared trips: they must be reversed first, and the standing read again.
    """
    judged: list[Judged] = []
    ordered = in_order(claims)
    for place, claim in enumerate(ordered):
        rules = catalogue.tasks[claim.task]
        outcome = decide(claim, rules, standing=standing, caps=caps, now=now)
        if outcome.replaces:
            claim.in_place_of_declared = True
            return Judgement(judged, outcome.replaces, tuple(ordered[place:]))
        if outcome.status in {"credited", "pending"}:
            judged.append(_take_in(claim, rules, outcome=outcome, standing=standing))
        else:
            judged.append(Judged(claim, rules, outcome, standing.resident_id))
    return Judgement(judged)


def _take_in(claim: Claim, rules: TaskRules, *, outcome: Outcome, standing: Standing) -> Judged:
    standing.action_seq += 1
    standing.balance += outcome.points
    standing.entry_seq += 1 if outcome.points else 0
    standing.co2e_mg += outcome.co2e_mg
    standing.actions += 1 if outcome.status == "credited" else 0
    standing.learn(claim)
    trip = None
    if rules.trip and claim.ended_at and outcome.status == "credited":
        ends_at, seq = claim.ended_at, standing.action_seq
        trip = Trip(seq, rules.task_id, claim.tier, claim.day, claim.happened_at, ends_at, outcome.points)
    group = group_of(rules, claim.tier)
    standing.add(task_id=rules.task_id, day=claim.day, points=outcome.points, group=group, trip=trip)
    numbers = (standing.action_seq, standing.entry_seq, standing.balance, standing.district_id)
    return Judged(claim, rules, outcome, standing.resident_id, *numbers)
