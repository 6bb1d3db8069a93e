"""What a version of a green task must satisfy beyond the form of each field."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask_babel import gettext

from backend.catalogue.drafts import TaskDraft
from backend.emissions import editing as emissions
from backend.emissions.models import Methodology
from backend.errors import NotFoundError, ValidationFailedError

LONGEST_TRIP_S = 86_400
"""Overlaps are looked for 24 hours around a day: no trip may be longer."""

Problems = Iterator[tuple[str, str]]


def check(draft: TaskDraft) -> None:
    """Raise ValidationFailedError naming every field that does not fit the others."""
    checks = (_quantities, _travel, _methodology, _evidence, _unlock, _window)
    problems = {field: message for look in checks for field, message in look(draft)}
    if problems:
        raise ValidationFailedError.of(problems)


def _quantities(draft: TaskDraft) -> Problems:
    if draft.quantity_max < draft.quantity_min:
        yield "quantity_max", gettext("Must not be below quantity_min.")
    elif not draft.quantity_min <= draft.quantity_typical <= draft.quantity_max:
        yield "quantity_typical", gettext("Must lie between quantity_min and quantity_max.")
    if draft.quantity_max <= 0:
        yield "quantity_max", gettext("Must be above 0.")
    if draft.counted_max is not None and not draft.quantity_min <= draft.counted_max <= draft.quantity_max:
        yield "counted_max", gettext("Must lie between quantity_min and quantity_max.")


def _travel(draft: TaskDraft) -> Problems:
    if not draft.trip:
        for field in ("max_speed_kmh", "max_duration_s"):
            if getattr(draft, field) is not None:
                yield field, gettext("Only a trip has a speed and a duration: set trip, or leave this out.")
        return
    if draft.max_duration_s is None or draft.max_duration_s > LONGEST_TRIP_S:
        yield "max_duration_s", gettext("A trip needs one, of at most %(most)s.", most=LONGEST_TRIP_S)
    if draft.max_speed_kmh is not None and draft.unit != "m":
        yield "max_speed_kmh", gettext("A speed is known only where the unit is m.")


def _methodology(draft: TaskDraft) -> Problems:
    if draft.methodology is None:
        return
    try:
        found = emissions.latest(Methodology, draft.methodology)
    except NotFoundError:
        yield "methodology", gettext("There is no such methodology: add it first.")
        return
    if found.unit != draft.unit:
        yield "methodology", gettext("It is per %(unit)s: units must be the same.", unit=found.unit)


def _evidence(draft: TaskDraft) -> Problems:
    tiers = [rule["tier"] for rule in draft.evidence]
    if len(tiers) != len(set(tiers)):
        yield "evidence", gettext("Each tier may stand once.")
    for place, rule in enumerate(draft.evidence):
        for field, message in _evidence_rule(rule, draft):
            yield f"evidence.{place}.{field}", message


def _evidence_rule(rule: dict[str, Any], draft: TaskDraft) -> Problems:
    if rule["basis"] == "co2e" and draft.methodology is None:
        yield "basis", gettext("Without a methodology there are no grams: take fixed or quantity.")
    if rule["max"] is not None and rule["max"] < rule["min"]:
        yield "max", gettext("Must not be below min.")
    most = rule["quantity_max"]
    # A rule that was stored has it as text: quantities compare as numbers.
    if most is not None and not draft.quantity_min <= Decimal(most) <= draft.quantity_max:
        yield "quantity_max", gettext("Must lie between quantity_min and quantity_max.")
    if rule["review"] and rule["tier"] in {"partner", "device"}:
        yield (
            "review",
            gettext("Partners' and devices' records are credited at once: they cannot await a review."),
        )


def _unlock(draft: TaskDraft) -> Problems:
    if len(draft.unlock) > 1:
        yield "unlock", gettext("Give one rule, or none.")


def _window(draft: TaskDraft) -> Problems:
    if draft.starts_at and draft.ends_at and draft.ends_at <= draft.starts_at:
        yield "ends_at", gettext("Must be after starts_at.")
