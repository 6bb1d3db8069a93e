"""The projector, run as a site runs it, behind the fastest of all sources; and behind the others."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median

from backend.projector import service as projector
from backend.supervisor.child import end_with_parent
from tests.benchmarks import load
from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.lag import Looks, wait_until_drained, watching
from tests.benchmarks.row import Bench, Row, Sample
from tests.benchmarks.rows.award import Award, requests
from tests.benchmarks.rows.batch import Batch
from tests.benchmarks.rows.hot import Hot
from tests.benchmarks.rows.ingest import Ingest
from tests.benchmarks.rows.partner import PartnerFeed
from tests.benchmarks.rows.redeem import Redeem

LAG_S = 1.0
"""What is allowed."""


class Projector(PartnerFeed):
    """Each row's lag: from the moment it could be seen in the outbox to the moment it has gone from there."""

    name = "projector"
    title = "projector behind POST /partner/events at full speed: lag p99, against 1 s"
    unit = "s"
    goal, sign = 1.0, "≤"
    also = "behind each source"

    def __init__(self) -> None:
        self.others: dict[str, Looks] = {}
        """What the looks behind each of the other sources found, by what it was; there after `once`."""

    def prepare(self, bench: Bench) -> None:
        """The feed's passengers; and nothing left to project of the rows before."""
        super().prepare(bench)
        projector.drain()
        self._rates: list[float] = []
        self._looks: list[Looks] = []

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The feed's round, with the worker and the clock at work; all must have been projected shortly after."""
        fed, looks = _behind(super().measure, bench, seconds=seconds)
        self._rates.append(fed.value)
        self._looks.append(looks)
        return Sample(value=looks.lag(0.99), p50_s=looks.lag(0.5), p99_s=looks.lag(0.99), cores=fed.cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """What is allowed."""
        return {"allowed": LAG_S}

    def once(self, bench: Bench) -> None:
        """A round behind each of the other sources."""
        ingest = Ingest()
        ingest.prepare(bench)
        sources: dict[str, Row] = {
            "single awards": Award(),
            "awards of one hot resident": Hot(),
            "batches": Batch(),
            "an ingest": ingest,
            "redemptions": Redeem(),
        }
        for name, source in sources.items():
            fed, looks = _behind(source.measure, bench, seconds=bench.seconds)
            self.others[f"{name} ({fed.value:,.0f} {source.unit})"] = looks

    def notes(self) -> list[str]:
        """How much went through meanwhile, what empty looks count for, and the other sources."""
        rates = ", ".join(f"{rate:,.0f}" for rate in self._rates)
        return [
            f"projector: it kept up with {rates} events/s (warm-up first); nothing was left in the outbox.",
            f"projector: lag p99 {_told(self._looks[1:])}",
            *(f"projector: lag p99 behind {name} {_told([looks])}" for name, looks in self.others.items()),
        ]

    def missed(self) -> list[str]:
        """Sources behind which the lag is longer than behind the feed it may be."""
        lags = {name: looks.lag(0.99) for name, looks in self.others.items()}
        return [f"lag p99 behind {name} {lag:.2f} s" for name, lag in lags.items() if lag > LAG_S]


def _behind(source: Callable[..., Sample], bench: Bench, *, seconds: float) -> tuple[Sample, Looks]:
    with _running(bench.site), watching(bench.site) as looks:
        # It takes a while to start: one award that it has projected tells that it is there.
        one = load.Job(
            port=bench.site.web.port,
            requests=list(requests(bench.population.group(1))),
            connections=1,
            seconds=1.0,
            status=201,
        )
        load.run(one)
        wait_until_drained(bench.site)
        looks.forget()
        fed = source(bench, seconds=seconds)
        wait_until_drained(bench.site)
    if not looks.ages:
        raise load.LoadError("No look at the outbox found anything of what was fed.")
    return fed, looks


def _told(rounds: list[Looks]) -> str:
    over_all = median(looks.lag(0.99) for looks in rounds)
    waiting = median(looks.lag_of_waiting(0.99) for looks in rounds)
    empty = sum(looks.empty for looks in rounds)
    count = empty + sum(len(looks.ages) for looks in rounds)
    return f"{over_all:.2f} s; {empty} of {count} looks found an empty outbox, {waiting:.2f} s without them."


@contextmanager
def _running(site: BenchSite) -> Iterator[None]:
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "tasks.app"]
    schedule = ["--schedule", str(site.folder / "beat-schedule")]
    parts = (["worker", "--loglevel", "WARNING", "--concurrency", "2"], ["beat", "--loglevel", "WARNING", *schedule])
    with (site.folder / "logs" / "worker.log").open("ab") as log:
        started = [
            subprocess.Popen(
                [*argv, *part],
                env=dict(site.environment),
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509  it only asks the kernel for a signal
            )
            for part in parts
        ]
    site.programs["Celery"] = [process.pid for process in started]
    try:
        yield
    finally:
        del site.programs["Celery"]
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(60)
