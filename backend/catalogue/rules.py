"""What a green task counts for: pure arithmetic on one version of its rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from backend.emissions.rules import Quantifier

TIERS = ("partner", "device", "check_in", "photo", "declaration")
"""Evidence tiers, strongest first."""
CATEGORIES = ("clothing", "food", "housing", "travel", "use", "office", "digital")
"""The seven of T/ACEF 031-2022."""
LEVELS = {
    "seed": 0,
    "sprout": 1_000_000,
    "sapling": 10_000_000,
    "tree": 50_000_000,
    "grove": 200_000_000,
    "forest": 1_000_000_000,
}
"""Level → lifetime milligrams from which it is reached."""


def level(co2e_mg: int) -> str:
    """The highest level that a lifetime reduction reaches."""
    return [name for name, needed in LEVELS.items() if co2e_mg >= needed][-1]


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """At most `per_day` actions of this tier a day over all tasks that name the same group."""

    group: str
    per_day: int


@dataclass(frozen=True, slots=True)
class EvidenceRule:
    """What one accepted evidence tier is worth."""

    tier: str
    basis: str
    """`fixed`, `quantity` (in units) or `co2e` (in mg)."""
    points: int
    per: int
    min: int
    max: int | None
    share_percent: int
    quantity_max_milli: int | None
    review: bool
    shared_limit: SharedLimit | None

    def points_for(self, *, counted_milli: int, co2e_mg: int) -> int:
        """Points before any cap of day or year: floor, at least `min`, at most `max`, then the tier's share, floor."""
        if self.basis == "fixed":
            raw = self.points
        elif self.basis == "quantity":
            raw = counted_milli * self.points // (self.per * 1000)
        else:
            raw = co2e_mg * self.points // self.per
        raw = max(raw, self.min)
        if self.max is not None:
            raw = min(raw, self.max)
        return raw * self.share_percent // 100

    def points_at_most(self, *, counted_milli: int) -> int | None:
        """The most that `points_for` gives up to that quantity, whatever its grams; None where nothing limits it."""
        if self.basis == "co2e" and self.max is None and self.points and self.share_percent:
            return None
        # So many grams are worth `max`, or more, where they are worth anything.
        return self.points_for(counted_milli=counted_milli, co2e_mg=self.per * (self.max or 0))


@dataclass(frozen=True, slots=True)
class TaskRules:
    """One version of a green task, ready for judging; quantities in thousandths of the unit."""

    task_id: int
    version_id: int
    version: int
    code: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    category: str
    icon: str
    unit: str
    min_milli: int
    max_milli: int
    typical_milli: int
    counted_max_milli: int | None
    trip: bool
    max_metres_an_hour: int | None
    max_duration_s: int | None
    methodology: str | None
    limit_count: int
    limit_period: str
    points_cap_day: int | None
    evidence: Mapping[str, EvidenceRule]
    unlock: Mapping[str, int]
    starts_at: datetime | None
    ends_at: datetime | None
    quantifier: Quantifier | None
    """Finds the factor versions of a day; None: unquantified."""

    def counted(self, quantity_milli: int) -> int:
        """The part of the activity data that counts."""
        if self.counted_max_milli is None:
            return quantity_milli
        return min(quantity_milli, self.counted_max_milli)

    def begun_at(self, instant: datetime) -> bool:
        """Whether the task has begun by that moment; it may be over."""
        return self.starts_at is None or self.starts_at <= instant

    def over_at(self, instant: datetime) -> bool:
        """Whether the task is over by that moment."""
        return self.ends_at is not None and self.ends_at <= instant

    def unlocked_by(self, *, co2e_mg: int, actions: int) -> bool:
        """Whether a resident with these lifetime milligrams and credited actions may do the task."""
        if not self.unlock:
            return True
        return co2e_mg >= self.unlock.get("min_co2e_mg", 0) and actions >= self.unlock.get("min_actions", 0)

    def points_max(self) -> int | None:
        """The most that one action can earn by any of its tiers, before caps; None where nothing limits it."""
        values = [self._points_at_most(rule) for rule in self.evidence.values()]
        known = [value for value in values if value is not None]
        return max(known, default=None) if len(known) == len(values) else None

    def _points_at_most(self, rule: EvidenceRule) -> int | None:
        most = self.max_milli if rule.quantity_max_milli is None else min(self.max_milli, rule.quantity_max_milli)
        return rule.points_at_most(counted_milli=self.counted(most))


def evidence_rule(raw: Mapping[str, Any]) -> EvidenceRule:
    """An evidence rule from its stored form."""
    shared = raw.get("shared_limit")
    limit = raw.get("quantity_max")
    return EvidenceRule(
        tier=raw["tier"],
        basis=raw["basis"],
        points=int(raw["points"]),
        per=int(raw["per"]),
        min=int(raw.get("min") or 0),
        max=None if raw.get("max") is None else int(raw["max"]),
        share_percent=int(raw.get("share_percent", 100)),
        quantity_max_milli=None if limit is None else int(Decimal(str(limit)) * 1000),
        review=bool(raw.get("review")),
        shared_limit=None if shared is None else SharedLimit(shared["group"], int(shared["per_day"])),
    )
