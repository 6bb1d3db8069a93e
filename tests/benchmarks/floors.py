"""Floors: the least that the same machine can do the same work for."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic

from backend.embedded import binaries
from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS, WEB_PROCESSES, BenchSite
from tests.benchmarks.replay import Script

Page = Sequence[tuple[str, bytes]]
"""COPY statements of one transaction, each with its rows in the text format."""

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class FloorError(RuntimeError):
    """A floor could not be measured; the sentence says what it said."""


def empty_post(site: BenchSite, *, request: bytes, seconds: float) -> float:
    """Requests a second of the empty Flask POST under the same gunicorn settings and the same load."""
    job = load.Job(
        port=site.empty.port,
        requests=[request],
        connections=CONNECTIONS,
        seconds=seconds,
        status=201,
        repeat=True,
    )
    return load.run(job).rate


def pgbench(site: BenchSite, scripts: Sequence[Script], *, seconds: float, clients: int = CONNECTIONS) -> float:
    """Transactions a second of these scripts, in equal parts, prepared, by as many clients as the row has.

    Raises FloorError where a statement fails.
    """
    argv = [
        str(binaries.postgres("pgbench")),
        "-h",
        site.socket_folder,
        "-U",
        "tanhui",
        "-n",
        "-M",
        "prepared",
    ]
    argv += ["-c", str(clients), "-j", str(WEB_PROCESSES), "-T", str(max(1, round(seconds)))]
    with TemporaryDirectory(prefix="tanhui-pgbench-") as folder:
        for number, script in enumerate(scripts):
            path = Path(folder, f"{number}.sql")
            path.write_text(script.text, encoding="utf-8")
            argv += ["-f", str(path)]
            argv += [word for name, value in script.variables.items() for word in ("-D", f"{name}={value}")]
        done = subprocess.run([*argv, "tanhui"], capture_output=True, text=True, check=False)
    rate = _RATE.search(done.stdout)
    if done.returncode != 0 or rate is None:
        raise FloorError(f"pgbench failed:\n{done.stderr[-2000:]}")
    return float(rate[1])


def copying(site: BenchSite, pages: Iterator[Page], *, seconds: float, connections: int) -> float:
    """Pages a second, each one transaction of COPY only."""
    turn = Lock()

    def copy_until(deadline: float) -> int:
        copied = 0
        with site.connect() as connection:
            while monotonic() < deadline:
                with turn:
                    page = next(pages, None)
                if page is None:
                    raise FloorError("The raw COPY ran out of pages: raise MOST_COPIES_A_SECOND.")
                with connection.transaction():
                    for statement, rows in page:
                        with connection.cursor().copy(statement) as copy:
                            copy.write(rows)
                copied += 1
        return copied

    began = monotonic()
    with ThreadPoolExecutor(connections) as pool:
        copied = sum(pool.map(copy_until, [began + seconds] * connections))
    return copied / (monotonic() - began)
