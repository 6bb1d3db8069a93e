"""`make profile`: where an award's time goes, in Python by py-spy, in PostgreSQL by pg_stat_statements.

BENCH_SECONDS (20) is how long the load lasts. The embedded PostgreSQL comes without pg_stat_statements: DATABASE_URL
names one that has it, reached by a socket (`postgresql+psycopg://tanhui@/tanhui?host=/folder`), without residents; its
user `postgres` is asked for the figures.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console

from tests.benchmarks import bench_site, load
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.population import Population
from tests.benchmarks.rows import award

SHOWN = 15
_say = Console(soft_wrap=True, markup=False, highlight=False).print
_WARM_UP_S = 3.0
_SAMPLES_A_SECOND = 250
_HOW = ("--subprocesses", "--gil", "--nonblocking", "--function")
_FRAME = re.compile(r"^(?P<name>.+) \((?:.*/site-packages/|.*/lib/python[\d.]+/)?(?P<file>[^:()]+)(?::\d+)?\)$")
_FIGURES = """
SELECT query, calls, total_exec_time, shared_blks_hit + shared_blks_read, wal_bytes::float
FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = 'tanhui' ORDER BY total_exec_time DESC
"""
_KNOWN = {
    "UPDATE wallets": "write: wallet, entry, lot, year, action, outbox, answer under the key",
    "SKIP LOCKED": "lock the wallets of a group",
    "FOR NO KEY UPDATE": "lock one wallet, in turn",
    "request_hash": "read: wallet, actions around, session, year, key",
}
"""What the statements of an award are known by, and what they do."""
_LOG = "the whole log"
_OFTEN = 0.01
"""Statements that come more seldom, of each award, are not shown."""
_PYTHONS = {"concurrent", "http", "json", "email", "re", "logging", "urllib", "collections", "importlib", "encodings"}
"""Packages among its own library's."""


@dataclass
class Samples:
    """How often each function was met: at work itself, and with what it had called."""

    own: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)

    def add(self, line: str) -> None:
        """One line of py-spy: the stack from the outside in, and how often it was seen."""
        stack, _, times = line.rpartition(" ")
        frames = [f"`{found['name']}` {found['file']}" for frame in stack.split(";") if (found := _FRAME.match(frame))]
        if frames:
            self.own[frames[-1]] += int(times)
            self.whole.update(dict.fromkeys(frames, int(times)))


def main() -> int:
    """Put awards on a site and show where its time goes; 1 if one of the two profilers could not work."""
    console, seconds = Console(), float(os.environ.get("BENCH_SECONDS") or 20)
    with bench_site.running(console, database_url=os.environ.get("DATABASE_URL")) as site, site.connect() as connection:
        population = Population(connection)
        with site.app.app_context():
            load.run(_awards(site, population, seconds=_WARM_UP_S))
            job, samples = _awards(site, population, seconds=seconds), Samples()
            with _statements(site) as figures, _sampled(site, samples, seconds=seconds):
                tally = load.run(job)
    awards = len(tally.latencies)
    _say(f"{awards} awards in {tally.seconds:.0f} s, {tally.rate:.0f} a second, over {CONNECTIONS} connections\n")
    _show_functions(samples)
    _show_statements(figures, awards=awards)
    return 0 if samples.own and figures else 1


def _awards(site: BenchSite, population: Population, *, seconds: float) -> load.Job:
    asked = list(award.requests(population.group(int(award.MOST_A_SECOND * seconds))))
    population.settle()
    return load.Job(port=site.web.port, requests=asked, connections=CONNECTIONS, seconds=seconds, status=201)


@contextmanager
def _sampled(site: BenchSite, samples: Samples, *, seconds: float) -> Iterator[None]:
    """Sample all workers inside the block: of each the thread that holds the interpreter's lock."""
    with TemporaryDirectory(prefix="tanhui-profile-") as folder:
        path = Path(folder, "stacks")
        told = {
            "pid": site.web.pid,
            "duration": round(seconds),
            "rate": _SAMPLES_A_SECOND,
            "format": "raw",
            "output": path,
        }
        argv = [str(Path(sys.executable).with_name("py-spy")), "record", *_HOW]
        argv += [f"--{name}={value}" for name, value in told.items()]
        process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=_before_others,  # noqa: PLW1509  no thread has started yet
        )
        yield
        said, _ = process.communicate()
        if process.returncode or not path.exists():
            _say(f"py-spy could not look into gunicorn (root may): {said.decode()[-500:]}\n")
            return
        for line in path.read_text(encoding="utf-8").splitlines():
            samples.add(line)


def _before_others() -> None:
    """Else it gets its turn on a full core mostly when a worker has just let go of it, and sees nobody at work."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@contextmanager
def _statements(site: BenchSite) -> Iterator[dict[str, list[float]]]:
    """After the block: what PostgreSQL counted inside it.

    By what a statement does, calls, ms, shared blocks and bytes of its log; the bytes of all of the log.
    """
    figures: dict[str, list[float]] = {}
    with site.connect(user="postgres") as connection:
        try:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            connection.execute("SELECT pg_stat_statements_reset()")
        except psycopg.Error as error:
            _say(f"PostgreSQL counts no statements: {error}\n")
            yield figures
            return
        began = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        yield figures
        ended = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", began).fetchone()
        # The same text is counted apart for each set of types that it was prepared for.
        for query, *counted in connection.execute(_FIGURES).fetchall():
            text = " ".join(query.split())
            name = next((told for mark, told in _KNOWN.items() if mark in text), f"`{text[:60]}`")
            figures[name] = [a + b for a, b in zip(figures.get(name, [0] * 4), counted, strict=True)]
        figures[_LOG] = [1, 0, 0, float(ended[0])]


def _show_functions(samples: Samples) -> None:
    total = samples.own.total() or 1
    _say(f"{total} samples of who held the interpreter\n\n| function | own | with what it calls |\n|---|---|---|")
    for name, times in samples.own.most_common(SHOWN):
        _say(f"| {name} | {times / total:.1%} | {samples.whole[name] / total:.1%} |")
    places: Counter[str] = Counter()
    for name, times in samples.own.items():
        top, inside, _ = name.rpartition("` ")[2].partition("/")
        places[top if inside and top not in _PYTHONS else "Python's own"] += times
    _say("\nOwn time by package: " + ", ".join(f"{place} {n / total:.0%}" for place, n in places.most_common(12)))


def _show_statements(figures: dict[str, list[float]], *, awards: int) -> None:
    _say(
        "\n| statement | calls an award | mean ms | shared blocks a call | bytes of log a call |\n|---|---|---|---|---|"
    )
    for name, (calls, milliseconds, blocks, log) in figures.items():
        if name == _LOG:
            _say(f"| {name}, an award | | | | {log / awards:,.0f} |")
        elif calls > _OFTEN * awards:
            each = f"{milliseconds / calls:.3f} | {blocks / calls:.1f} | {log / calls:,.0f}"
            _say(f"| {name} | {calls / awards:.2f} | {each} |")


if __name__ == "__main__":
    sys.exit(main())
