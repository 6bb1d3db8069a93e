"""POST /actions of one hot resident: all connections at once, each request its own action.

No rules let one resident do thousands of actions a day: so the task is made for the row, and the hot resident
gives way to the next one after STAY actions, spread over DAYS days: as many a day as all tasks' limits allow
together. A past that grows on and on would measure the reading of it, and not the crowd on one row.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice

from backend import clock
from backend.catalogue import editing
from backend.catalogue.drafts import TaskDraft
from backend.database import transaction
from backend.outbox import PARTITIONS
from tests.benchmarks import floors, load, replay, signed
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows.award import MOST_A_SECOND, MOST_PGBENCH_A_SECOND, PATH

TASK = "bench_hot"
DAYS = 6
STAY = 50 * DAYS
POINTS = 1

_OPENING = f"""\
\\set turn :turn + 1
\\set nonce :turn * :clients + :client_id
\\set resident_id :first + :nonce / {STAY}
\\set partition :resident_id % {PARTITIONS}
"""
_COMPUTED = {"resident_id": "resident_id", "partition": "partition", "version": "seen_version", "key": "nonce"}
_BOOKS = """
SELECT coalesce(sum(w.version), 0), coalesce(sum(w.actions), 0), coalesce(sum(w.balance), 0),
    (SELECT count(*) FROM actions a WHERE a.resident_id BETWEEN %(first)s AND %(last)s AND a.status = 'credited'),
    (SELECT count(*) FROM ledger_entries e WHERE e.resident_id BETWEEN %(first)s AND %(last)s),
    (SELECT count(*) FROM idempotency_keys k WHERE k.resident_id BETWEEN %(first)s AND %(last)s)
FROM wallets w WHERE w.resident_id BETWEEN %(first)s AND %(last)s
"""


@dataclass(frozen=True)
class _Books:
    """What the tables hold of a group's actions."""

    rounds_won: int
    counted: int
    points: int
    actions: int
    entries: int
    keys: int


class Hot(Row):
    """The floor is the most that pgbench gets out of one row: alone, or with as many clients as there are connections.

    Of clients that meet on the row all but one lose the round of compare and set: only winners count, by the
    wallets' versions afterwards.
    """

    name = "hot"
    title = f"POST /actions, {CONNECTIONS} connections, one hot resident, all rules, books exact"
    unit = "requests/s"
    goal = 0.5

    def prepare(self, bench: Bench) -> None:
        """The statements that pgbench is to repeat."""
        _add_task(bench.site)
        self._sent = [_statements(bench, day) for day in range(DAYS)]

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Ask for one resident at a time; the books must hold exactly what was acknowledged."""
        _add_task(bench.site)
        group = bench.population.group(int(MOST_A_SECOND * seconds) // STAY + 1)
        job = load.Job(
            port=bench.site.web.port,
            requests=list(_requests(group)),
            connections=CONNECTIONS,
            seconds=seconds,
            status=201,
        )
        with watched(bench.site) as cores:
            tally = load.run(job)
        told = len(tally.latencies)
        wanted = _Books(told, told, told * POINTS, told, told, told)
        found = _books(bench, group)
        if found != wanted:
            raise load.LoadError(f"{told} actions were acknowledged, but the books hold {found}.")
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The winners of both ways to ask."""
        return {
            "pgbench, one client": self._won(bench, clients=1),
            f"pgbench, {CONNECTIONS} clients": self._won(bench, clients=CONNECTIONS),
        }

    def limit(self, floors: Mapping[str, float]) -> float:
        """The better of the two."""
        return max(floors.values())

    def _won(self, bench: Bench, *, clients: int) -> float:
        group = bench.population.group(int(MOST_PGBENCH_A_SECOND * max(1, bench.seconds)) // STAY + 1)
        place = {"turn": "0", "first": str(group.first), "clients": str(clients)}
        made = [
            replay.script(sent, name=f"day{day}", opening=_OPENING, computed=_COMPUTED)
            for day, sent in enumerate(self._sent)
        ]
        # The read gives a row for each action of the days around: \gset takes one row only, \aset the last of them.
        texts = [script.text.replace("\\gset", "\\aset") for script in made]
        variables = [{**script.variables, **place} for script in made]
        scripts = [replay.Script(*pair) for pair in zip(texts, variables, strict=True)]
        return floors.pgbench(
            bench.site, scripts, seconds=bench.seconds, done=lambda: _books(bench, group).rounds_won, clients=clients
        )


@cache
def _add_task(site: BenchSite) -> None:
    """The row's task: once for a site, whoever asks for it first."""
    with transaction():
        editing.add(TASK, _task(), position=99, by="bench")


def _task() -> TaskDraft:
    rule = {"tier": "declaration", "basis": "fixed", "points": POINTS, "per": 1, "min": 0, "max": None}
    rule |= {"share_percent": 100, "quantity_max": None, "review": False, "shared_limit": None}
    one = Decimal(1)
    return TaskDraft(
        title={"zh": TASK, "en": TASK},
        description={"zh": "", "en": ""},
        category="use",
        icon="bag",
        unit="count",
        quantity_min=one,
        quantity_max=one,
        quantity_typical=one,
        counted_max=None,
        trip=False,
        max_speed_kmh=None,
        max_duration_s=None,
        methodology=None,
        limit_count=1_000,
        limit_period="day",
        points_cap_day=None,
        evidence=[rule],
        unlock={},
        starts_at=None,
        ends_at=None,
    )


def _body(back: int, *, now: datetime) -> bytes:
    return json_body({"task": TASK, "occurred_at": clock.rfc3339(now - timedelta(days=back, hours=1))})


def _requests(group: Group) -> Iterator[bytes]:
    now = clock.now()
    bodies = [_body(back, now=now) for back in range(DAYS)]
    for resident_id in range(group.first, group.first + group.size):
        token = signed.token(resident_id)
        for number in range(STAY):
            yield post(PATH, body=bodies[number % DAYS], headers={**token, "Idempotency-Key": uuid.uuid4().hex})


def _statements(bench: Bench, back: int) -> list[replay.Sent]:
    client = bench.site.app.test_client()
    body = _body(back, now=clock.now())
    for resident_id in islice(bench.population.group(2), 2):
        with replay.recorded() as sent:
            headers = signed.token_and_key(resident_id)
            answer = client.post(PATH, data=body, headers=headers, content_type="application/json")
        if answer.status_code != 201:
            raise load.LoadError(f"The specimen was refused: {answer.text}")
    return sent


def _books(bench: Bench, group: Group) -> _Books:
    with bench.site.connect() as connection:
        bounds = {"first": group.first, "last": group.first + group.size - 1}
        return _Books(*map(int, connection.execute(_BOOKS, bounds).fetchone()))
