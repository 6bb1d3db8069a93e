"""`make bench`: the table of all rows; `make bench ROW=award` one row.

BENCH_SECONDS (5) is how long one round lasts, BENCH_ROUNDS (3) how many there are, BENCH_ACTIONS (5,000,000) how
many past actions the rows about size have, TANHUI_VAR (var) where bench.json, bench.md and bench.svg are written.
"""

import os
import signal
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from tests.benchmarks import bench_site, past, report
from tests.benchmarks.floors import FloorError
from tests.benchmarks.load import LoadError
from tests.benchmarks.measuring import measured
from tests.benchmarks.population import Population
from tests.benchmarks.row import Bench, Result, Row
from tests.benchmarks.rows import ROWS
from tests.benchmarks.web_server import WebServerError

_COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description:<36}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def main(names: list[str]) -> int:
    """Measure the rows of these names, or all; 0 if all goals are met, 1 if not, 2 if one could not be."""
    console = Console()
    # A log file has no width of its own.
    console.width = max(console.width, report.WIDTH)
    unknown = set(names) - {row.name for row in ROWS}
    if unknown:
        console.print(f"There is no row {', '.join(sorted(unknown))}: choose from {', '.join(r.name for r in ROWS)}.")
        return 2
    rows = [row for row in ROWS if not names or row.name in names]
    try:
        results = _measure(rows, console=console)
    except (LoadError, FloorError, WebServerError) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    report.show(results, console=console)
    folder = Path(os.environ.get("TANHUI_VAR") or "var")
    report.write(results, folder)
    console.print(f"[dim]Written to {folder}: bench.json, bench.md, bench.svg[/dim]")
    if len(results) < len(rows):
        return 2
    return 0 if all(result.met for result in results) else 1


def _measure(rows: list[type[Row]], *, console: Console) -> list[Result]:
    with (
        bench_site.running(console) as site,
        site.app.app_context(),
        site.connect() as connection,
        Progress(*_COLUMNS, console=console) as progress,
        ExitStack() as later,
    ):
        bench = Bench(
            site=site,
            population=Population(connection),
            seconds=float(os.environ.get("BENCH_SECONDS") or 5),
            rounds=int(os.environ.get("BENCH_ROUNDS") or 3),
            past=cache(lambda: later.enter_context(past.made(console, progress=progress))),
            tenth_of_the_past=cache(
                lambda: later.enter_context(past.made(console, progress=progress, actions=past.ACTIONS // 10))
            ),
            no_past=cache(lambda: later.enter_context(past.none(console))),
        )
        return [result for row in rows if (result := _measured(row(), bench, progress=progress))]


def _measured(row: Row, bench: Bench, *, progress: Progress) -> Result | None:
    try:
        return measured(row, bench, progress=progress)
    except (LoadError, FloorError) as error:
        # An hour of other rows must not be lost for it.
        progress.console.print(f"{row.name} could not be measured: {error}", style="red", markup=False)
        return None


if __name__ == "__main__":
    # Asked to stop, it still takes its servers and its folder with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
