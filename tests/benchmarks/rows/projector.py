"""The projector, run as a site runs it, behind the fastest of all sources."""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

from backend.outbox import PARTITIONS
from backend.projector import service as projector
from backend.supervisor.child import end_with_parent
from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.load import LoadError
from tests.benchmarks.row import Bench, Sample
from tests.benchmarks.rows.partner import PartnerFeed

LAG_S = 1.0
"""What is allowed."""
_EVERY_S = 0.02
_PATIENCE_S = 60.0
# By the index, as the projector itself does. Over the whole table each look would pass over all rows that were
# projected since it was last vacuumed, in parallel, and take more than a core.
_SEEN = f"""
SELECT clock_timestamp(), max(newest.id), min(oldest.id) FROM generate_series(0, {PARTITIONS - 1}) AS p (partition),
LATERAL (SELECT id FROM outbox o WHERE o.partition = p.partition ORDER BY id LIMIT 1) AS oldest,
LATERAL (SELECT id FROM outbox o WHERE o.partition = p.partition ORDER BY id DESC LIMIT 1) AS newest
"""
_DRAINED = "SELECT NOT EXISTS (SELECT FROM outbox)"


class Projector(PartnerFeed):
    """Each row's lag: from the moment it could be seen in the outbox to the moment it has gone from there."""

    name = "projector"
    title = "projector behind POST /partner/events at full speed: lag p99, against 1 s"
    unit = "s"
    goal, sign, tail = 1.0, "≤", None

    def prepare(self, bench: Bench) -> None:
        """The feed's passengers; and nothing left to project of the rows before."""
        super().prepare(bench)
        projector.drain()
        self._rates: list[float] = []

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The feed's round, with the worker and the clock at work; all must have been projected shortly after."""
        with _running(bench.site), _watching(bench.site) as lags:
            _wait_until_drained(bench.site)
            lags.clear()
            fed = super().measure(bench, seconds=seconds)
            _wait_until_drained(bench.site)
        self._rates.append(fed.value)
        ordered = sorted(lags)
        at = lambda part: ordered[min(len(ordered) - 1, int(part * len(ordered)))]  # noqa: E731  used twice, here
        return Sample(value=at(0.99), p50_s=at(0.5), p99_s=at(0.99), cores=fed.cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """What is allowed."""
        return {"allowed": LAG_S}

    def notes(self) -> list[str]:
        """How much went through meanwhile."""
        rates = ", ".join(f"{rate:,.0f}" for rate in self._rates)
        return [f"projector: it kept up with {rates} events/s (warm-up first); nothing was left in the outbox."]


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


@contextmanager
def _watching(site: BenchSite) -> Iterator[list[float]]:
    """Lags in seconds, one for each look at the outbox while something was in it."""
    lags: list[float] = []
    over = Event()

    def watch() -> None:
        appeared: deque[tuple[int, float]] = deque()
        with site.connect() as connection:
            while not over.wait(_EVERY_S):
                now, newest, oldest = connection.execute(_SEEN).fetchone()
                if newest is None:
                    appeared.clear()
                    lags.append(0.0)
                    continue
                if not appeared or newest > appeared[-1][0]:
                    appeared.append((newest, now.timestamp()))
                # The oldest that waits came with the first look that saw a number as high as its own.
                while appeared[0][0] < oldest:
                    appeared.popleft()
                lags.append(now.timestamp() - appeared[0][1])

    thread = Thread(target=watch)
    thread.start()
    try:
        yield lags
    finally:
        over.set()
        thread.join()


def _wait_until_drained(site: BenchSite) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with site.connect() as connection:
        while not connection.execute(_DRAINED).fetchone()[0]:
            if time.monotonic() > deadline:
                raise LoadError(f"The outbox was not empty {_PATIENCE_S:.0f} s after the load.")
            time.sleep(_EVERY_S)
