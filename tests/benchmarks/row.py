"""What a row of the table is: something measured in rounds, and its floor in the same rounds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.cores import bound as bound_of
from tests.benchmarks.load import Tally
from tests.benchmarks.population import Population

if TYPE_CHECKING:
    from tests.benchmarks.past import Past


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What a row is given: a running site, people to use, and the seconds that one round lasts."""

    site: BenchSite
    population: Population
    seconds: float
    rounds: int
    past: Callable[[], "Past"]
    """The other site, with millions of past actions; made when it is first asked for."""
    tenth_of_the_past: Callable[[], "Past"]
    """A third site, with a tenth as many, for what must not grow with them."""
    no_past: Callable[[], "Past"]
    """A site of its own without any: `site` holds by then whatever the rows before have done there."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One round: the value in the row's unit, latencies in seconds, and who used how many cores."""

    value: float
    p50_s: float | None = None
    p99_s: float | None = None
    cores: Mapping[str, float] = field(default_factory=dict)


class Row(ABC):
    """A row of the table. A new one is a file in rows/ with such a class, named in rows/__init__.py."""

    name: str
    """What ROW= chooses it by."""
    title: str
    unit: str
    goal: float | None
    """The least ratio of value to limit that will do; None: the figure is told, and no more."""
    sign: str = "≥"
    """`≤` where the goal is the most that will do."""
    tail: float | None = None
    """The most that p99 may be, in p50s."""
    also: str = ""
    """What else the goal asks for, in a few words; `missed` says where it was not reached."""

    told: Sequence[str] = ()
    """Names of floors that are shown for comparison, and do not limit it."""

    slices: int = 1
    """How many a round is cut into, each a round with floors of its own: the machine's speed changes within seconds,
    and where row and floor are both requests a second or two of them are enough.
    """

    warm_up_s: float = 1.0
    """How long it runs before the first round; 0: not at all."""

    @abstractmethod
    def prepare(self, bench: Bench) -> None:
        """Make the data that the rounds need; a short warm-up follows."""

    @abstractmethod
    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """One round of the row; raises LoadError rather than count a wrong answer."""

    @abstractmethod
    def floors(self, bench: Bench) -> Mapping[str, float]:
        """One round of each floor, by its name, in the row's unit."""

    def once(self, bench: Bench) -> None:  # noqa: B027  most rows tell nothing more
        """What is told below the table and not measured in rounds; after the last of them. Raises LoadError too."""

    def notes(self) -> Sequence[str]:
        """Lines to print below the table."""
        return ()

    def missed(self) -> Sequence[str]:
        """What the goal asks for besides ratio and tail and was not reached, a line each; after `once`."""
        return ()

    def bound(self, cores: Mapping[str, float]) -> str:
        """What bounds it, in words, given who used how many cores in the median."""
        return bound_of(cores)

    def limit(self, floors: Mapping[str, float]) -> float:
        """What the machine would reach if the floors were all there was to do, one after the other."""
        return 1 / sum(1 / floor for name, floor in floors.items() if name not in self.told)


def sample_of(tally: Tally, *, cores: Mapping[str, float], each: int = 1) -> Sample:
    """A load's tally as a sample in which every answer counts for `each`."""
    used = {**cores, "load": tally.cpu_seconds / tally.seconds}
    return Sample(value=tally.rate * each, p50_s=tally.quantile(0.5), p99_s=tally.quantile(0.99), cores=used)


@dataclass(frozen=True, kw_only=True)
class Result:
    """A row after all its rounds. A ratio is taken within each round; the median is over the rounds."""

    row: Row
    samples: tuple[Sample, ...]
    floors: tuple[Mapping[str, float], ...]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(sample.value for sample in self.samples)

    @property
    def spread(self) -> float:
        """Best less worst round, as a part of the median."""
        values = [sample.value for sample in self.samples]
        return (max(values) - min(values)) / self.value

    @property
    def limit(self) -> float:
        """The median of what the floors allowed."""
        return median(self.row.limit(floors) for floors in self.floors)

    @property
    def floor_medians(self) -> dict[str, float]:
        """Each floor by itself."""
        return {name: median(floors[name] for floors in self.floors) for name in self.floors[0]}

    @property
    def ratios(self) -> list[float]:
        """Value over limit, of each round."""
        return [one.value / self.row.limit(floors) for one, floors in zip(self.samples, self.floors, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return median(self.ratios)

    def latency(self, quantile: str) -> float | None:
        """The median of `p50_s` or `p99_s`, in seconds."""
        known = [getattr(sample, quantile) for sample in self.samples if sample.p50_s is not None]
        return median(known) if known else None

    @property
    def tail(self) -> float | None:
        """p99 in p50s."""
        p50, p99 = self.latency("p50_s"), self.latency("p99_s")
        return p99 / p50 if p50 and p99 else None

    @property
    def cores(self) -> dict[str, float]:
        """How many cores each part of the site used, in the median."""
        return {name: median(sample.cores[name] for sample in self.samples) for name in self.samples[0].cores}

    @property
    def met(self) -> bool:
        """Whether the goal was reached, the tail kept, and nothing else missed; what is only told is met."""
        if self.row.goal is None:
            return True
        tail_kept = self.row.tail is None or (self.tail is not None and self.tail <= self.row.tail)
        reached = self.ratio <= self.row.goal if self.row.sign == "≤" else self.ratio >= self.row.goal
        return reached and tail_kept and not self.row.missed()
