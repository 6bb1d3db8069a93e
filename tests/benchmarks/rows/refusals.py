"""POST /redemptions of what is sold out: how cheaply a flash crowd is refused, and what that costs everybody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

from tests.benchmarks import floors, load, shop, signed
from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows import award

PATH = "/api/v1/redemptions"
CROWD = 4_000
"""Residents who ask again and again, each with a key of its own."""
PIECES = 100
"""That others have taken before."""
SHARE = 0.5
"""How often the crowd of the row `beside` asks, as a part of the actions a second that the site takes alone.

It is a part and not a number, so that the row asks the same of a slow machine and of a fast one. And it is bounded: on
full cores a crowd that asks as fast as it can takes its part of them, however cheap a refusal is. What is left of
either side then is told.
"""
_QUEUES = 4
"""The crowd of `beside` has so many times the connections: it goes on asking while answers are awaited."""
_KEPT = 0.8
"""A crowd that came to less than this part of its rate was none: the row would flatter."""


@dataclass(frozen=True)
class _Rush:
    """What came of awards and of a crowd without bounds at the same time; and what the machine does of each alone.

    Refusals are held to the empty POST.
    """

    awards: load.Tally
    refusals: load.Tally
    awards_alone: float
    empty_posts: float


class Refusals(Row):
    """All of them refused with out-of-stock."""

    name = "refusals"
    title = f"POST /redemptions of what is sold out, {CONNECTIONS} connections"
    unit = "requests/s"
    goal = 0.4
    slices = 3

    def prepare(self, bench: Bench) -> None:
        """A crowd, and nothing to be had."""
        self._requests = crowd(bench)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Refused again and again."""
        with watched(bench.site) as cores:
            tally = load.run(_rush(bench, self._requests, seconds=seconds))
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The empty POST of the same bytes."""
        return {"empty Flask POST": _empty(bench, self._requests)}


class Beside(Row):
    """POST /actions while a crowd is refused; the floor is the same without the crowd."""

    name = "beside"
    title = f"POST /actions beside a flash crowd that asks {SHARE:g} times as often for what is sold out"
    unit = "actions/s"
    goal = 0.7
    slices = 3

    def prepare(self, bench: Bench) -> None:
        """A crowd, and nothing to be had."""
        self._requests = crowd(bench)
        self._alone = 0.0

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Both at once, until the time is over."""
        actions = _actions(bench, seconds=seconds)
        if not self._alone:
            return sample_of(load.run(actions), cores={})
        wanted = self._alone * SHARE
        rush = _rush(bench, self._requests, seconds=seconds, rate=wanted)
        with watched(bench.site) as cores:
            taken, refused = load.run_each(actions, rush)
        if refused.rate < _KEPT * wanted:
            raise load.LoadError(f"The crowd asked {refused.rate:.0f} times a second instead of {wanted:.0f}.")
        crowd_load = refused.cpu_seconds / refused.seconds
        return sample_of(taken, cores={**cores, "the crowd's load": crowd_load})

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Actions alone."""
        self._alone = load.run(_actions(bench, seconds=bench.seconds)).rate
        return {"POST /actions alone": self._alone}

    def once(self, bench: Bench) -> None:
        """A crowd that nothing holds back: it asks as fast as it is refused. In slices, each with floors of its own."""
        cut = replace(bench, seconds=bench.seconds / self.slices)
        self._rushes: list[_Rush] = []
        before = self._limits(cut)
        for _ in range(self.slices):
            rush = _rush(cut, self._requests, seconds=cut.seconds)
            awards, refusals = load.run_each(_actions(cut, seconds=cut.seconds), rush)
            after = self._limits(cut)
            self._rushes.append(_Rush(awards, refusals, *map(mean, zip(before, after, strict=True))))
            before = after

    def notes(self) -> Sequence[str]:
        """What is left of either side then."""
        kept = median(rush.awards.rate / rush.awards_alone for rush in self._rushes)
        tail = median(rush.awards.quantile(0.99) for rush in self._rushes)
        refused = median(rush.refusals.rate for rush in self._rushes)
        of_empty = median(rush.refusals.rate / rush.empty_posts for rush in self._rushes)
        crowd = f"a crowd without bounds over {CONNECTIONS} connections"
        share = f"its {refused:,.0f} refusals/s in the same slices are {of_empty:.2f} of the empty POST"
        return [f"beside: {kept:.2f} of the awards alone beside {crowd}, p99 {tail * 1000:.0f} ms; {share}."]

    def _limits(self, bench: Bench) -> tuple[float, float]:
        """Awards a second alone, and empty POSTs."""
        self.floors(bench)
        return self._alone, _empty(bench, self._requests)


def crowd(bench: Bench) -> list[bytes]:
    """A request of each resident of a crowd, for a reward whose last piece has just gone; one of them is looked at."""
    wanted = {"reward_id": shop.new_reward(stock=PIECES)}
    client = bench.site.app.test_client()
    for resident_id in shop.residents_with_points(bench, PIECES):
        answer = client.post(PATH, json=wanted, headers=signed.token_and_key(resident_id))
        if answer.status_code != 201:
            raise load.LoadError(f"A piece that was there was refused: {answer.text}")
    group = shop.residents_with_points(bench, CROWD)
    answer = client.post(PATH, json=wanted, headers=signed.token_and_key(group.first))
    if not answer.json["type"].endswith("out-of-stock"):
        raise load.LoadError(f"What is sold out was refused for another reason: {answer.text}")
    return [post(PATH, body=json_body(wanted), headers=signed.token_and_key(resident_id)) for resident_id in group]


def _empty(bench: Bench, requests: list[bytes]) -> float:
    request = requests[0].replace(PATH.encode(), b"/", 1)
    return floors.empty_post(bench.site, request=request, seconds=bench.seconds)


def _rush(bench: Bench, requests: list[bytes], *, seconds: float, rate: float | None = None) -> load.Job:
    return load.Job(
        port=bench.site.web.port,
        requests=requests,
        connections=CONNECTIONS if rate is None else _QUEUES * CONNECTIONS,
        seconds=seconds,
        status=409,
        repeat=True,
        rate=rate,
    )


def _actions(bench: Bench, *, seconds: float) -> load.Job:
    group = bench.population.group(int(award.MOST_A_SECOND * seconds))
    return load.Job(
        port=bench.site.web.port,
        requests=list(award.requests(group)),
        connections=CONNECTIONS,
        seconds=seconds,
        status=201,
    )
