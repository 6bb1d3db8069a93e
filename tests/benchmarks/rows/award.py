"""POST /actions of distinct residents, under all rules, with an idempotency key."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any

from backend import clock
from backend.outbox import PARTITIONS
from backend.residents import auth
from backend.residents.models import Resident
from tests.benchmarks import floors, load, replay
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.population import SPREAD, Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of

PATH = "/api/v1/actions"
KINDS = ("own_bag", "own_cup", "clean_plate", "bike_ride")
MOST_A_SECOND = 6_000
"""More than will be asked: requests are made before the round begins."""
MOST_PGBENCH_A_SECOND = 20_000

_OPENING = f"""\
\\set turn :turn + 1
\\set resident_id :first + (:turn * {CONNECTIONS} + :client_id) * {SPREAD} % :size
\\set partition :resident_id % {PARTITIONS}
"""
_CREDITED = "SELECT coalesce(sum(actions), 0) FROM wallets WHERE resident_id BETWEEN %s AND %s"
_COMPUTED = {"resident_id": "resident_id", "partition": "partition", "version": "seen_version"}


class Award(Row):
    """Four kinds of declared actions in turn, each resident's first."""

    name = "award"
    title = f"POST /actions, {CONNECTIONS} connections, distinct residents, all rules"
    unit = "requests/s"
    goal = 0.5
    tail = 4.0

    def prepare(self, bench: Bench) -> None:
        """Residents for all rounds, and the statements that pgbench is to repeat."""
        each = int(MOST_PGBENCH_A_SECOND * max(1, round(bench.seconds)))
        self._for_pgbench = [bench.population.group(each) for _ in range(bench.rounds + 1)]
        bench.population.settle()
        self._example = next(requests(bench.population.group(1)))
        self._sent = {kind: _statements(bench, kind) for kind in KINDS}

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Ask for new residents only; every action must be credited afterwards."""
        group = bench.population.group(int(MOST_A_SECOND * seconds))
        job = load.Job(
            port=bench.site.web.port,
            requests=list(requests(group)),
            connections=CONNECTIONS,
            seconds=seconds,
            status=201,
        )
        with watched(bench.site) as cores:
            tally = load.run(job)
        missing = len(tally.latencies) - credited(bench.site, group)
        if missing:
            raise load.LoadError(f"{missing} actions were acknowledged and not credited.")
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The empty POST of the same bytes; and the same statements without Python."""
        group = self._for_pgbench.pop()
        return {
            "empty Flask POST": floors.empty_post(
                bench.site, request=self._example.replace(PATH.encode(), b"/", 1), seconds=bench.seconds
            ),
            "pgbench": floors.pgbench(
                bench.site, self._scripts(group), seconds=bench.seconds, done=lambda: credited(bench.site, group)
            ),
        }

    def _scripts(self, group: Group) -> list[replay.Script]:
        place = {"turn": "0", "first": str(group.first), "size": str(group.size)}
        made = (
            replay.script(sent, name=kind, opening=_OPENING, computed=_COMPUTED) for kind, sent in self._sent.items()
        )
        return [replay.Script(script.text, {**script.variables, **place}) for script in made]


def credited(site: BenchSite, group: Group) -> int:
    """How many actions of these residents count."""
    with site.connect() as connection:
        found = connection.execute(_CREDITED, (group.first, group.first + group.size - 1)).fetchone()
    return int(found[0])


def requests(group: Iterable[int]) -> Iterator[bytes]:
    """One request of each resident of the group, as a mini-program would send it."""
    now = clock.now()
    bodies = cycle([json_body(body(kind, now=now)) for kind in KINDS])
    for resident_id, payload in zip(group, bodies, strict=False):
        yield post(PATH, body=payload, headers=headers(resident_id))


def headers(resident_id: int) -> dict[str, str]:
    """What a signed-in resident sends with a new request."""
    token = auth.issue(Resident(resident_id=resident_id, token_epoch=0)).token
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}


def body(kind: str, *, now: datetime) -> dict[str, Any]:
    """A declared action of this kind, done an hour ago."""
    done = now - timedelta(hours=1)
    given: dict[str, Any] = {"task": kind, "occurred_at": clock.rfc3339(done)}
    if kind == "bike_ride":
        given["started_at"] = clock.rfc3339(done - timedelta(minutes=20))
        given["activity"] = {"quantity": 2_000, "unit": "m"}
    return given


def _statements(bench: Bench, kind: str) -> list[replay.Sent]:
    """What the application sends for one action of a new resident, once its catalogue is known."""
    client = bench.site.app.test_client()
    for resident_id in islice(bench.population.group(2), 2):
        with replay.recorded() as sent:
            answer = client.post(PATH, json=body(kind, now=clock.now()), headers=headers(resident_id))
        if answer.status_code != 201:
            raise load.LoadError(f"The specimen of {kind} was refused: {answer.text}")
    if len(sent) < 2:
        raise load.LoadError(f"An award of {len(sent)} statements cannot be: replay.recorded() missed some.")
    return sent
