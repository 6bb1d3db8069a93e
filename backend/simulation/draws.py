"""Random draws that come out the same on every machine and every Python version.

Only `random.Random(str).random()` is used: its seeding and its sequence are promised by the standard
library, while the algorithms of `choice`, `gauss` and their like may change. Distributions are quantile
tables with straight lines between the points, so no libm function takes part either.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


def seeded(*parts: int | str) -> Random:
    """A generator of its own for every combination of parts, independent of all others."""
    return Random("/".join(map(str, parts)))  # noqa: S311  a simulation, never a secret


@dataclass(frozen=True, slots=True)
class QuantileTable:
    """A distribution by its quantiles: `values[i]` is not exceeded by the share `shares[i]`.

    Both rise; `shares` starts at 0 and ends at 1.
    """

    shares: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, share: float) -> float:
        """The value that the share (0 to 1) of the population does not exceed."""
        k = min(bisect_right(self.shares, share), len(self.shares) - 1)
        low, high = self.shares[k - 1], self.shares[k]
        return self.values[k - 1] + (self.values[k] - self.values[k - 1]) * (share - low) / (high - low)


def even_table(*values: float) -> QuantileTable:
    """A quantile table whose points stand at equal shares from 0 to 1."""
    return QuantileTable(tuple(k / (len(values) - 1) for k in range(len(values))), values)


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One of several outcomes, drawn by weight."""

    outcomes: tuple[T, ...]
    steps: tuple[float, ...]

    def at(self, share: float) -> T:
        """The outcome at a share from 0 to 1 of the total weight."""
        return self.outcomes[min(bisect_right(self.steps, share * self.steps[-1]), len(self.steps) - 1)]


def choice_of(weights: dict[T, float]) -> Choice[T]:
    """A choice among the keys, by their weights."""
    return Choice(tuple(weights), tuple(accumulate(weights.values())))


def time_of_day_table(hourly: tuple[float, ...], *, first: int = 0, last: int = 23) -> QuantileTable:
    """Seconds since local midnight by the shares of 24 hours; hours outside first to last are closed."""
    open_hours = hourly[first : last + 1]
    total = sum(open_hours)
    reached = [0.0, *accumulate(share / total for share in open_hours)]
    reached[-1] = 1.0
    return QuantileTable(tuple(reached), tuple(3600.0 * hour for hour in range(first, last + 2)))
