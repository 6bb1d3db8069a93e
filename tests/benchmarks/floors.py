"""Floors: the least that the same machine can do the same work for."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic

from backend.embedded import binaries
from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS, WEB_PROCESSES, BenchSite
from tests.benchmarks.replay import Script

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_NUMBER = re.compile(r"^number of transactions actually processed: ([0-9]+)", re.MULTILINE)

Page = Sequence[tuple[str, bytes]]
"""COPY statements of one transaction, each with its rows in the text format."""


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


def pgbench(
    site: BenchSite,
    scripts: Sequence[Script],
    *,
    seconds: float,
    done: Callable[[], int],
    clients: int = CONNECTIONS,
) -> float:
    """What these scripts, in equal parts, prepared, by as many clients as the row has, come to in a second.

    Only what is in the tables afterwards counts, of which `done` tells the number: a transaction that finds nothing to
    change is one to pgbench all the same. Raises FloorError where a statement fails, or nothing was done.
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
    before = done()
    with TemporaryDirectory(prefix="tanhui-pgbench-") as folder:
        for number, script in enumerate(scripts):
            path = Path(folder, f"{number}.sql")
            path.write_text(script.text, encoding="utf-8")
            argv += ["-f", str(path)]
            argv += [word for name, value in script.variables.items() for word in ("-D", f"{name}={value}")]
        ended = subprocess.run([*argv, "tanhui"], capture_output=True, text=True, check=False)
    rate, number = _RATE.search(ended.stdout), _NUMBER.search(ended.stdout)
    if ended.returncode != 0 or rate is None or number is None:
        raise FloorError(f"pgbench failed:\n{ended.stderr[-2000:]}")
    came = done() - before
    if not came:
        raise FloorError(f"pgbench did nothing of what it was to do:\n{ended.stdout[-2000:]}")
    return float(rate[1]) * came / int(number[1])


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
