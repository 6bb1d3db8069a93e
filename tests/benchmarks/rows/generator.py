"""The self-check: a second load process must not raise the rate, or the first was what bounded it."""

from collections.abc import Mapping

from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import post
from tests.benchmarks.row import Bench, Row, Sample, sample_of

_EMPTY = post("/", body=b"{}", headers={})


class Generator(Row):
    """The empty POST asked by one process; its floor is the same asked by two."""

    name = "generator"
    title = "load generator: one process on the empty POST, against two"
    unit = "requests/s"
    goal = 0.9

    def prepare(self, bench: Bench) -> None:
        """Nothing to make."""

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """One process."""
        with watched(bench.site) as cores:
            tally = load.run(_job(bench, connections=CONNECTIONS, seconds=seconds))
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Two processes with half the connections each."""
        jobs = [_job(bench, connections=CONNECTIONS // 2, seconds=bench.seconds) for _ in range(2)]
        return {"two processes": load.run(*jobs).rate}


def _job(bench: Bench, *, connections: int, seconds: float) -> load.Job:
    port = bench.site.empty.port
    return load.Job(port=port, requests=[_EMPTY], connections=connections, seconds=seconds, status=201, repeat=True)
