"""flask ingest of a file of trips: a process of its own, from its start until every row is in the books."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path

from backend import clock
from backend.actions.events import MOST
from backend.partners import service
from tests.benchmarks.bench_site import WEB_PROCESSES
from tests.benchmarks.copied_pages import Copying
from tests.benchmarks.cores import watched_with_command
from tests.benchmarks.load import LoadError
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench, Row, Sample

PASSENGERS = 50_000
DAYS_A_SECOND = 0.8
"""Of the file for each second that another row's round lasts: four days by default, 400,000 rows. In a file of a few
seconds' work the command's own start, which is counted, would be what is measured.
"""
MORNING, EVENING = timedelta(hours=6), timedelta(hours=16)
SPREAD_S = 4 * 3_600
"""Everybody goes to work and comes back, each at a second of their own."""
MOST_COPIES_A_SECOND = 40

_BIND = """
INSERT INTO bindings (partner_id, subject, resident_id, bound_at)
SELECT %s, 'file-' || n, n, now() FROM generate_series(%s::int, %s::int) n
"""
_PATIENCE_S = 240
_AT = "SELECT state, wait_event, now() - query_start, left(query, 300) FROM pg_stat_activity WHERE state <> 'idle'"
_COUNT = "SELECT count(*) FROM external_events WHERE resident_id IS NOT NULL"


class Ingest(Row):
    """A metro's file of a day or more, in order of time, of passengers who are bound."""

    name = "ingest"
    title = f"flask ingest of a file: two trips a day of {PASSENGERS:,} passengers, {WEB_PROCESSES} processes"
    unit = "rows/s"
    goal = 0.35

    def prepare(self, bench: Bench) -> None:
        """Bound passengers."""
        group = bench.population.group(PASSENGERS)
        with bench.site.connect() as connection:
            connection.execute(_BIND, (service.find("metro").id, group.first, group.first + group.size - 1))
            connection.execute("VACUUM (ANALYZE) bindings")
        bench.population.settle()
        self._days = _days(group)
        self._file = bench.site.folder / "trips.csv"
        pages = _days_in(bench.seconds) * 2 * PASSENGERS // MOST
        self._copying = Copying(bench.site, pages=pages, most_a_second=MOST_COPIES_A_SECOND, connections=WEB_PROCESSES)
        # The raw COPY writes the pages of this file, so it is as long as those of the rounds.
        self.warm_up_s = bench.seconds

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Import a new file; every row must be credited, and there afterwards."""
        days = [line for _ in range(_days_in(seconds)) for line in next(self._days)]
        rows = len(days)
        self._file.write_text("\n".join([HEADER, *days, ""]), encoding="utf-8")
        before = _credited(bench)
        with watched_with_command(bench.site) as cores:
            began = time.perf_counter()
            told = _ingest(bench, self._file)
            elapsed = time.perf_counter() - began
        missing = rows - (_credited(bench) - before)
        if missing or told["credited"] + told["capped"] != rows:
            raise LoadError(f"{missing} rows were not credited: {told}")
        return Sample(value=rows / (elapsed - told["projecting_seconds"]), cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """COPY of the rows that the pages of a file came to, from as many connections as the import has."""
        rate = self._copying.events_a_second(bench.seconds)
        with bench.site.connect() as connection:
            # Else the next import would fold these too, once its own rows have been counted.
            connection.execute("TRUNCATE outbox")
        return {"raw COPY": rate}


HEADER = "trip,card,entered_at,left_at,metres"
_COLUMNS = {
    "external_id": "trip",
    "subject": "card",
    "started_at": "entered_at",
    "ended_at": "left_at",
    "quantity": "metres",
}


def _days_in(seconds: float) -> int:
    return max(1, round(DAYS_A_SECOND * seconds))


def _ingest(bench: Bench, file: Path) -> dict[str, object]:
    columns = [part for field, column in _COLUMNS.items() for part in ("--map", f"{field}={column}")]
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "ingest", str(file), "--partner", "metro", "--json"]
    with subprocess.Popen(
        [*command, *columns], env=bench.site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            told, wrong = process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            at = _at(bench)
            process.kill()
            raise LoadError(f"flask ingest has not ended in {_PATIENCE_S} s; PostgreSQL is at:\n{at}") from error
    if process.returncode != 0:
        raise LoadError(f"flask ingest failed:\n{wrong[-2000:]}")
    return json.loads(told)


def _at(bench: Bench) -> str:
    with bench.site.connect() as connection:
        return "\n".join(map(str, connection.execute(_AT)))


def _days(group: Group) -> Iterator[list[str]]:
    """Lines of one whole day after the other, going back from yesterday, each day's in order of time.

    Whole days, because the floor leaves rows of the residents that it copies: they would use up the rest of a day.
    """
    chance = random.Random(20261124)
    today = clock.local_day(clock.now())
    for back in count(1):
        yield sorted(_day(group, today - timedelta(days=back), chance), key=_time_of)


def _day(group: Group, day: date, chance: random.Random) -> Iterator[str]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  files write the city's time
    for resident_id in group:
        for way, hour in enumerate((MORNING, EVENING)):
            entered = midnight + hour + timedelta(seconds=chance.randrange(SPREAD_S))
            metres = chance.randrange(2_000, 30_000)
            left = entered + timedelta(seconds=300 + metres // 10)
            yield f"{day:%Y%m%d}{way}{resident_id},file-{resident_id},{entered},{left},{metres}"


def _time_of(line: str) -> str:
    return line.split(",")[2]


def _credited(bench: Bench) -> int:
    with bench.site.connect() as connection:
        return int(connection.execute(_COUNT).fetchone()[0])
