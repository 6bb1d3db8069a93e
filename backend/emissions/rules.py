"""Grams from activity data: pure integer arithmetic.

ER = BE − PE, both activity data × emission factor (DB11/T 3043-2024; T/CCAA 38-2021), in whole milligrams,
rounded down: the conservative side. Inside, activity data is in thousandths of the task's unit and factors in
millionths of a milligram, so that nothing is ever a float.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Self

QUANTITY_SCALE = 1_000
FACTOR_SCALE = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """One version of an emission factor as it was read; `micro` is its value in millionths of mg CO2e per unit."""

    id: int
    code: str
    version: int
    title: dict[str, str]
    value_mg: Decimal
    unit: str
    source: str
    source_status: str
    region: str
    valid_from: date
    valid_to: date | None

    @property
    def micro(self) -> int:
        """The value in millionths of a milligram per unit."""
        return int(self.value_mg * FACTOR_SCALE)

    def valid_on(self, day: date) -> bool:
        """Whether the version holds for activity on that day; `valid_to` is the first day it does not."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True, slots=True, eq=False)
class Quantification:
    """How one task's activity data becomes grams on a certain day: the very versions used."""

    methodology_id: int
    baseline: Factor
    project: Factor | None
    net_micro: int

    @classmethod
    def of(cls, methodology_id: int, baseline: Factor, project: Factor | None) -> Self:
        """By these versions: what the baseline emits more than the project; never less than nothing."""
        net = baseline.micro - (project.micro if project else 0)
        return cls(methodology_id, baseline, project, max(0, net))

    def reduction_mg(self, quantity_milli: int) -> int:
        """Whole milligrams of CO2e for activity data in thousandths of the unit: floor(quantity × factor)."""
        return quantity_milli * self.net_micro // (QUANTITY_SCALE * FACTOR_SCALE)


def latest_valid(versions: Sequence[Factor], day: date) -> Factor | None:
    """The highest version of one factor that has begun by that day; none holds where that one has ended."""
    latest = _latest_begun(versions, day)
    return latest if latest is not None and latest.valid_on(day) else None


def _latest_begun(versions: Sequence[Factor], day: date) -> Factor | None:
    begun = [factor for factor in versions if factor.valid_from <= day]
    return max(begun, key=lambda factor: factor.version, default=None)


class Quantifier:
    """A methodology with all versions of its factors: finds the ones that hold on a day, and remembers."""

    def __init__(self, methodology_id: int, *, baselines: Sequence[Factor], projects: Sequence[Factor] | None) -> None:
        self.methodology_id = methodology_id
        self._baselines = baselines
        self._projects = projects
        self._found: dict[date, Quantification | None] = {}

    def on(self, day: date) -> Quantification | None:
        """The quantification of that day; None where a factor is missing: nothing is credited without a source."""
        if day not in self._found:
            self._found[day] = self._find(day)
        return self._found[day]

    def has_ended(self, day: date) -> bool:
        """Whether a day without one has none because a factor had ended, and not because one had not begun yet."""
        latest = [_latest_begun(versions, day) for versions in (self._baselines, self._projects or ())]
        return any(factor is not None and not factor.valid_on(day) for factor in latest)

    def holds_from(self, day: date) -> bool:
        """Whether there surely is one on that day and on every day after it."""
        versions = (*self._baselines, *(self._projects or ()))
        return self.on(day) is not None and all(factor.valid_to is None for factor in versions)

    def _find(self, day: date) -> Quantification | None:
        baseline = latest_valid(self._baselines, day)
        project = latest_valid(self._projects, day) if self._projects is not None else None
        if baseline is None or (self._projects is not None and project is None):
            return None
        return Quantification.of(self.methodology_id, baseline, project)
