"""Commands over the whole past: all boards made anew, everything verified."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from tempfile import TemporaryFile

from backend.leaderboard import recomputing
from backend.projector import service as projector
from tests.benchmarks.bench_site import WEB_PROCESSES, BenchSite
from tests.benchmarks.cores import watched_with_command
from tests.benchmarks.load import LoadError
from tests.benchmarks.memory import peak_mb
from tests.benchmarks.past import ACTIONS, Past
from tests.benchmarks.row import Bench, Row, Sample
from tests.benchmarks.sums import SUMS

READ = (
    ("actions", "reversed_at"),
    ("ledger_entries", "posted_at"),
    ("participations", "actions"),
    ("period_scores", "actions"),
    ("external_events", "received_at"),
    ("wallets", "frozen"),
    ("lots", "closed"),
    ("yearly_points", "points"),
)
"""The tables that verify compares, each with its last column: to count that one is to take each row apart."""
_WORKERS = min(recomputing.MOST_WORKERS, WEB_PROCESSES)
_VERIFY = ("verify",)
_FLAT = 1.25
"""The most that a command's memory may be, in that of the same over a tenth of the past."""
_EVERY_S = 0.02
"""How often a command is looked at: whether it has ended, and what memory it has had."""


@dataclass(frozen=True)
class _Ran:
    seconds: float
    peak_mb: float


@dataclass(frozen=True)
class Peaks:
    """A command's peak memory in MB: over the whole past, and over a tenth of it."""

    whole: float
    tenth: float


class _Command(Row):
    """A command over the whole past, in a process of its own, as an operator starts it."""

    argv: Sequence[str]
    also = "memory flat"
    warm_up_s = 0.0
    peaks: Peaks
    """There after `once`."""

    def prepare(self, bench: Bench) -> None:
        """The past, with nothing left to project of the awards on top of it."""
        site = bench.past().site
        with site.app.app_context():
            projector.drain()
        site.checkpoint()
        self._ran: list[_Ran] = []

    def run(self, bench: Bench) -> float:
        """Seconds that it took; raises LoadError where it failed."""
        self._ran.append(_run(bench.past().site, self.argv))
        return self._ran[-1].seconds

    def once(self, bench: Bench) -> None:
        """The same over a tenth of the past."""
        tenth = _run(bench.tenth_of_the_past().site, self.argv).peak_mb
        self.peaks = Peaks(whole=max(ran.peak_mb for ran in self._ran), tenth=tenth)

    def notes(self) -> Sequence[str]:
        """Its memory, which must not grow with the past."""
        tenth = f"{self.peaks.tenth:,.0f} MB with a tenth of the actions"
        return [f"{self.name}: the command's peak memory was {self.peaks.whole:,.0f} MB, and {tenth}."]

    def missed(self) -> Sequence[str]:
        """Memory that grows with the past."""
        grown = self.peaks.whole / self.peaks.tenth
        told = f"memory is not flat: {grown:.2f} times the peak with a tenth of the actions"
        return [told] if grown > _FLAT else []


class Rebuild(_Command):
    """All scores from the actions, and all boards from the scores."""

    name = "rebuild"
    title = f"rebuild of all boards from {ACTIONS:,} actions, against the SQL aggregate alone"
    unit = "s"
    goal, sign = 2.0, "≤"
    argv = ("leaderboard", "rebuild", "--from-actions")

    def prepare(self, bench: Bench) -> None:
        """The past."""
        super().prepare(bench)
        self._aggregates: list[float] = []

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The command, whole."""
        with watched_with_command(bench.past().site) as cores:
            taken = self.run(bench)
        return Sample(value=taken, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Sums by resident and period, thrown away; by ranges of residents, on as many connections as it has."""
        self._aggregates.append(_sums_seconds(bench.past()))
        return {"SQL aggregate": self._aggregates[-1]}

    def once(self, bench: Bench) -> None:
        """From no scores at all; every book must agree afterwards. Then a tenth of the past.

        And the aggregate grouped by sorting, as rebuild does it: PostgreSQL itself chooses to hash.
        """
        self._sorted = _sums_seconds(bench.past(), "SET enable_hashagg = off")
        site = bench.past().site
        with site.connect() as connection:
            connection.execute("TRUNCATE period_scores")
            self._from_nothing = _run(site, self.argv).seconds
            # As it was found, for the rows after it.
            connection.execute("VACUUM (ANALYZE) period_scores")
        site.checkpoint()
        _run(site, _VERIFY)
        super().once(bench)

    def notes(self) -> Sequence[str]:
        """What it takes where every score must be written, and the aggregate grouped by sorting."""
        ratio = self._from_nothing / median(self._aggregates)
        return [
            f"rebuild: {self._from_nothing:,.0f} s from empty scores, {ratio:.2f} of the aggregate; verify agrees.",
            f"rebuild: grouped by sorting, as rebuild itself does it, the aggregate takes {self._sorted:,.1f} s.",
            *super().notes(),
        ]


class Verify(_Command):
    """Every book against every other."""

    name = "verify"
    title = f"flask verify over {ACTIONS:,} actions, against a sequential read of the same tables"
    unit = "actions/s"
    goal = 0.3
    argv = _VERIFY

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The command, whole; it must find no difference."""
        with watched_with_command(bench.past().site) as cores:
            taken = self.run(bench)
        return Sample(value=bench.past().actions / taken, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Each table from its first row to its last, on as many connections as verify has."""
        reads = [f"SELECT count({column}) FROM {table}" for table, column in READ]
        return {"sequential read": bench.past().actions / _seconds(bench.past().site, reads, connections=WEB_PROCESSES)}

    def once(self, bench: Bench) -> None:
        """What it takes to make of the same rows what a client would be sent, who compares them elsewhere."""
        sent = [f"EXPLAIN (ANALYZE, TIMING OFF, SERIALIZE BINARY) SELECT * FROM {table}" for table, _ in READ]
        self._sending = _seconds(bench.past().site, sent, connections=WEB_PROCESSES)
        super().once(bench)

    def notes(self) -> Sequence[str]:
        """What those rows cost whom they are only sent to."""
        told = f"verify: only to make the same rows ready to be sent to a client takes {self._sending:,.1f} s"
        return [f"{told}, verify {median(ran.seconds for ran in self._ran):,.1f}.", *super().notes()]


def _run(site: BenchSite, argv: Sequence[str]) -> _Ran:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *argv]
    peak, began = 0.0, time.monotonic()
    with (
        TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen(command, env=dict(site.environment), stdout=said, stderr=subprocess.STDOUT) as process,
    ):
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid))
            time.sleep(_EVERY_S)
        taken = time.monotonic() - began
        if process.returncode:
            said.seek(0)
            raise LoadError(f"`flask {' '.join(argv)}` failed:\n{said.read()[-2_000:]}")
    return _Ran(taken, peak)


def _ranges(past: Past) -> list[tuple[int, int]]:
    """Residents in as many ranges as the product makes of them, so that each is summed within its memory."""
    count = max(1, -(-past.actions // (recomputing.ACTIONS_AT_ONCE * _WORKERS))) * _WORKERS
    last = past.residents.first + past.residents.size - 1
    ends = [last * place // count for place in range(count + 1)]
    return [(before + 1, end) for before, end in pairwise(ends)]


def _sums_seconds(past: Past, settings: str = "") -> float:
    statements = [SUMS.format(first=first, last=last) for first, last in _ranges(past)]
    return _seconds(past.site, statements, connections=_WORKERS, settings=settings)


def _seconds(site: BenchSite, statements: Sequence[str], *, connections: int, settings: str = "") -> float:
    usual = f"SET max_parallel_workers_per_gather = 0; SET jit = off; SET work_mem = '{recomputing.WORK_MEM}'"

    def run(statement: str) -> None:
        with site.connect() as connection:
            connection.execute(f"{usual};{settings}")
            connection.execute(statement)

    began = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(run, statements))
    return time.monotonic() - began
