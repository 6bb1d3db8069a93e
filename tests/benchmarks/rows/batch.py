"""POST /actions/batch: what a client that was offline for some days sends once it is back."""

from collections.abc import Iterator, Mapping

from backend import clock
from tests.benchmarks import load, recent_days, signed
from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows import award

PATH = "/api/v1/actions/batch"
SIZE = recent_days.ACTIONS
MOST_A_SECOND = 1_500


class Batch(Row):
    """Twenty actions of one resident a request; the floor is the same actions one by one."""

    name = "batch"
    title = f"POST /actions/batch of {SIZE}, {CONNECTIONS} connections, distinct residents"
    unit = "actions/s"
    goal = 5.0

    def prepare(self, bench: Bench) -> None:
        """Nothing to make: every round has residents of its own."""

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Post batches; every action must be credited afterwards."""
        group = bench.population.group(int(MOST_A_SECOND * seconds))
        job = load.Job(
            port=bench.site.web.port,
            requests=list(_requests(group)),
            connections=CONNECTIONS,
            seconds=seconds,
            status=200,
        )
        with watched(bench.site) as cores:
            tally = load.run(job)
        missing = len(tally.latencies) * SIZE - award.credited(bench.site, group)
        if missing:
            raise load.LoadError(f"{missing} actions of the batches were not credited.")
        return sample_of(tally, cores=cores, each=SIZE)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Single posts of distinct residents, as the row `award` asks them."""
        group = bench.population.group(int(award.MOST_A_SECOND * bench.seconds))
        job = load.Job(
            port=bench.site.web.port,
            requests=list(award.requests(group)),
            connections=CONNECTIONS,
            seconds=bench.seconds,
            status=201,
        )
        return {"single posts": load.run(job).rate}


def _requests(group: Group) -> Iterator[bytes]:
    body = json_body({"actions": list(recent_days.given(clock.now()))})
    for resident_id in group:
        yield post(PATH, body=body, headers=signed.token_and_key(resident_id))
