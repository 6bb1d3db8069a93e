"""Sites beside the first: millions of past actions, in books that agree with one another; and no past at all.

The product itself records the past of a few residents, through its own partner feed and projector. Their rows are then
copied to all others by SQL, under other numbers: books that agree, copied whole, agree. `flask verify` says so too.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import Progress

from backend import clock
from backend.actions.receiving import receive
from backend.database import transaction
from backend.outbox import PARTITIONS
from backend.partners import service as partners
from backend.projector.service import drain
from backend.totals.models import OF_ALL_TIME
from tests.benchmarks import bench_site
from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.load import LoadError
from tests.benchmarks.population import Group, Population

ACTIONS = int(os.environ.get("BENCH_ACTIONS") or 5_000_000)
EACH = 50
"""Actions a resident: one on each of so many days, in random order of partners."""
PATTERNS = 20
"""Residents whose past the product records itself."""
AT_ONCE = 2_000
"""Residents copied in one transaction."""
TRIPS = {"metro": ("metro_ride", 9_000, 30), "bikes": ("bike_ride", 2_000, 15), "bus": ("bus_ride", 5_000, 25)}
"""By partner: task, metres and minutes of a trip."""

_OWN = (
    "wallets",
    "actions",
    "ledger_entries",
    "lots",
    "yearly_points",
    "external_events",
    "participations",
    "period_scores",
)
"""Tables of which a resident has rows."""
_COLUMNS = """
SELECT string_agg(column_name, ', ' ORDER BY ordinal_position),
    string_agg(CASE column_name WHEN 'resident_id' THEN 'n' WHEN 'external_id' THEN 't.external_id || ''-'' || n'
        ELSE 't.' || column_name END, ', ' ORDER BY ordinal_position)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s
"""
_COPY = """
INSERT INTO {table} ({columns}) SELECT {values}
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
JOIN {table} t ON t.resident_id = %(pattern)s::bigint + n %% %(patterns)s::bigint
"""
_TOGETHER = f"""
TRUNCATE totals, participants;
INSERT INTO totals (partition, day, task_id, district_id, tier, co2e_mg, points, actions)
SELECT resident_id % {PARTITIONS}, local_day, task_id, coalesce(district_id, 0), tier, sum(co2e_mg), sum(points),
    count(*)
FROM actions GROUP BY 1, 2, 3, 4, 5;
INSERT INTO participants (partition, day, task_id, district_id, residents)
SELECT resident_id % {PARTITIONS}, day, of.task_id, of.district_id, count(*)
FROM participations p CROSS JOIN LATERAL
    (VALUES (-1, -1), (p.task_id, -1), (-1, p.district_id), (p.task_id, p.district_id)) AS of (task_id, district_id)
GROUP BY 1, 2, 3, 4
UNION ALL SELECT resident_id % {PARTITIONS}, DATE '{OF_ALL_TIME}', -1, -1, count(*)
FROM wallets WHERE actions > 0 GROUP BY 1
"""
"""What counts everybody together. Each resident has one action on each of the days, so that rows are residents."""


@dataclass(frozen=True)
class Past:
    """The site, who has the past, its maker of people, and how many past actions there are."""

    site: BenchSite
    population: Population
    residents: Group
    actions: int


@contextmanager
def none(console: Console) -> Iterator[Past]:
    """A new site inside the block: nobody has done anything there yet."""
    with bench_site.running(console) as site, site.connect() as connection:
        yield Past(site, Population(connection), residents=Group(1, 0), actions=0)


@contextmanager
def made(console: Console, *, progress: Progress, actions: int = ACTIONS) -> Iterator[Past]:
    """The site with its past, inside the block."""
    with bench_site.running(console) as site, site.connect() as connection:
        connection.execute("SET synchronous_commit = off")
        population = Population(connection)
        patterns = population.group(PATTERNS)
        with site.app.app_context():
            _record(connection, sorted(patterns))
        residents = population.group(actions // EACH)
        _copy(connection, patterns=patterns, residents=residents, progress=progress)
        for statement in _TOGETHER.split(";"):
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")
        site.checkpoint()
        yield Past(site, population, residents, residents.size * EACH)


def _record(connection: psycopg.Connection, patterns: list[int]) -> None:
    now = clock.now()
    for code, (task, metres, minutes) in TRIPS.items():
        partner = partners.find(code)
        bind = "INSERT INTO bindings (partner_id, subject, resident_id, bound_at) VALUES (%s, %s, %s, %s)"
        for resident_id in patterns:
            connection.execute(bind, (partner.id, f"p-{resident_id}", resident_id, now))
        trips = [(resident_id, back) for resident_id in patterns for back, by in _days(resident_id) if by == code]
        events = [_event(*trip, task=task, metres=metres, minutes=minutes) for trip in trips]
        with transaction():
            answer = receive(json.dumps({"events": events}).encode(), partner=partner, now=now)
        if answer["credited"] != len(events):
            raise LoadError(f"The past was not credited: {answer}")
    drain()


def _days(resident_id: int) -> list[tuple[int, str]]:
    chance = Random(resident_id)
    return [(back, chance.choice(sorted(TRIPS))) for back in chance.sample(range(2, 300), EACH)]


def _event(resident_id: int, back: int, *, task: str, metres: int, minutes: int) -> dict[str, Any]:
    midnight, _ = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=back))
    begins = midnight + timedelta(hours=8, minutes=resident_id % 50)
    return {
        "external_id": f"past-{back}-{resident_id}",
        "subject": f"p-{resident_id}",
        "task": task,
        "started_at": clock.rfc3339(begins),
        "ended_at": clock.rfc3339(begins + timedelta(minutes=minutes)),
        "activity": {"quantity": metres + resident_id % 100, "unit": "m"},
    }


def _copy(connection: psycopg.Connection, *, patterns: Group, residents: Group, progress: Progress) -> None:
    last = residents.first + residents.size - 1
    # They were made with empty wallets.
    connection.execute("DELETE FROM wallets WHERE resident_id BETWEEN %s AND %s", (residents.first, last))
    statements = [_statement(connection, table) for table in _OWN]
    bar = progress.add_task(f"{residents.size * EACH:,} past actions", total=residents.size)
    for first in range(residents.first, last + 1, AT_ONCE):
        values = {"first": first, "last": min(first + AT_ONCE - 1, last)}
        with connection.transaction():
            for statement in statements:
                connection.execute(statement, {**values, "pattern": patterns.first, "patterns": patterns.size})
        progress.advance(bar, AT_ONCE)


def _statement(connection: psycopg.Connection, table: str) -> str:
    columns, values = connection.execute(_COLUMNS, (table,)).fetchone()
    return _COPY.format(table=table, columns=columns, values=values)
