"""What millions of past actions cost: awards on top of them, all boards made anew, everything verified."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, repeat

from backend.leaderboard.periods import STARTS
from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS, WEB_PROCESSES, BenchSite
from tests.benchmarks.cores import watched, watched_with_command
from tests.benchmarks.past import ACTIONS
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows.award import MOST_A_SECOND, requests

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
_AGGREGATE = f"""
SELECT count(*) FROM (
    SELECT d.resident_id, p.period, p.starts_on, sum(d.points), sum(d.co2e_mg), sum(d.actions), max(d.at)
    FROM (SELECT resident_id, local_day AS day, sum(points) AS points, sum(co2e_mg) AS co2e_mg, count(*) AS actions,
            max(posted_at) AS at FROM actions WHERE status = 'credited' GROUP BY resident_id, local_day) AS d
    CROSS JOIN LATERAL {STARTS.format(day="d.day")} AS p (period, starts_on)
    GROUP BY d.resident_id, p.period, p.starts_on) AS scores
"""


class History(Row):
    """The same load on residents with a past among millions of actions, and on a site that is new."""

    name = "history"
    title = f"POST /actions over {ACTIONS:,} past actions, against none"
    unit = "requests/s"
    goal = 0.9
    warm_up_s = 60.0
    """Of a checkpoint's fifteen minutes: in the first seconds of each nearly every award is the first to change its
    pages, which then go to the log whole. What that costs is told below the table."""

    def prepare(self, bench: Bench) -> None:
        """The past; each round asks for other residents, who all have EACH past actions: half of them to warm up."""
        past = bench.past()
        self._with_past, size = iter(past.residents), past.residents.size
        self._most = chain([size // 20, size // 2], repeat(size * 9 // 20 // bench.rounds))
        past.site.checkpoint()
        alone = self.limit(self.floors(bench))
        self._at_first = self.measure(bench, seconds=bench.seconds).value / alone

    def notes(self) -> Sequence[str]:
        """What the first seconds after a checkpoint are like."""
        return [f"history: {self._at_first:.2f} in the first seconds after a checkpoint."]

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Residents with a past, on the site with all of it."""
        past = bench.past()
        with past.site.app.app_context():
            most = min(next(self._most), int(MOST_A_SECOND * seconds / 2))
            asked = list(islice(self._with_past, most))
            made = list(requests(asked))
        with watched(past.site) as cores:
            tally = load.run(_job(past.site, made, seconds=seconds))
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """As many residents without a past, on the site that has hardly any."""
        group = bench.population.group(int(MOST_A_SECOND * bench.seconds / 2))
        return {"no past": load.run(_job(bench.site, list(requests(group)), seconds=bench.seconds)).rate}


class _Command(Row):
    """A command over the whole past, in a process of its own, as an operator starts it."""

    argv: Sequence[str]
    warm_up_s = 0.0

    def prepare(self, bench: Bench) -> None:
        """The past."""
        bench.past()
        self._peaks: list[float] = []

    def notes(self) -> Sequence[str]:
        """Its memory, which must not grow with the past."""
        return [f"{self.name}: the command's peak memory was {max(self._peaks):,.0f} MB."]

    def run(self, bench: Bench) -> float:
        """Seconds that it took; raises LoadError where it failed."""
        site = bench.past().site
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", *self.argv],
            env=dict(site.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise load.LoadError(f"`flask {' '.join(self.argv)}` failed:\n{said[-2_000:]}")
        self._peaks.append(usage.ru_maxrss / 1024)
        return time.monotonic() - began


class Rebuild(_Command):
    """All scores from the actions, and all boards from the scores."""

    name = "rebuild"
    title = f"rebuild of all boards from {ACTIONS:,} actions, against the SQL aggregate alone"
    unit = "s"
    goal, sign = 2.0, "≤"
    argv = ("leaderboard", "rebuild", "--from-actions")

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The command, whole."""
        with watched_with_command(bench.past().site) as cores:
            taken = self.run(bench)
        return Sample(value=taken, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Sums by resident and period, counted and thrown away."""
        return {"SQL aggregate": _seconds(bench.past().site, [_AGGREGATE])}


class Verify(_Command):
    """Every book against every other."""

    name = "verify"
    title = f"flask verify over {ACTIONS:,} actions, against a sequential read of the same tables"
    unit = "actions/s"
    goal = 0.3
    argv = ("verify",)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The command, whole; it must find no difference."""
        with watched_with_command(bench.past().site) as cores:
            taken = self.run(bench)
        return Sample(value=bench.past().actions / taken, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Each table from its first row to its last, on as many connections as verify has."""
        reads = [f"SELECT count({column}) FROM {table}" for table, column in READ]
        return {"sequential read": bench.past().actions / _seconds(bench.past().site, reads)}


def _job(site: BenchSite, made: list[bytes], *, seconds: float) -> load.Job:
    return load.Job(port=site.web.port, requests=made, connections=CONNECTIONS, seconds=seconds, status=201)


def _seconds(site: BenchSite, statements: Sequence[str]) -> float:
    def run(statement: str) -> None:
        with site.connect() as connection:
            connection.execute("SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB'")
            connection.execute(statement)

    began = time.monotonic()
    with ThreadPoolExecutor(WEB_PROCESSES) as pool:
        list(pool.map(run, statements))
    return time.monotonic() - began
