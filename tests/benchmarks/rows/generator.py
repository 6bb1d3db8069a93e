"""The self-check: a second load process must not raise the rate, or the first was what bounded it.

And where wrk is installed, it asks the same in each round: ours must not get less out of the server than it does.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.benchmarks import load, wrk
from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import post
from tests.benchmarks.row import Bench, Row, Sample, sample_of

_EMPTY = post("/", body=b"{}", headers={})
_WRK = "wrk"


class Generator(Row):
    """The empty POST asked by one process; its floor is the same asked by two."""

    name = "generator"
    title = "load generator: one process on the empty POST, against two"
    unit = "requests/s"
    goal = 0.9
    told = (_WRK,)

    def prepare(self, bench: Bench) -> None:
        """Nothing to make."""
        self._ours: list[float] = []
        self._wrks: list[float] = []

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """One process."""
        with watched(bench.site) as cores:
            tally = load.run(_job(bench, connections=CONNECTIONS, seconds=seconds))
        if self._wrks:
            self._ours.append(tally.rate)
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """Two processes with half the connections each; and wrk, which is told and is no floor."""
        jobs = [_job(bench, connections=CONNECTIONS // 2, seconds=bench.seconds) for _ in range(2)]
        found = {"two processes": load.run(*jobs).rate}
        if wrk.is_there():
            self._wrks.append(wrk.posts_a_second(bench.site.empty.port, seconds=bench.seconds))
            found[_WRK] = self._wrks[-1]
        return found

    def notes(self) -> Sequence[str]:
        """How it compares with what others use."""
        if not self._wrks:
            return ["generator: not held to wrk, which is not installed."]
        ratio = median(self._ours) / median(self._wrks)
        return [f"generator: {ratio:.2f} of what {wrk.version()} gets out of the same server in the same rounds."]


def _job(bench: Bench, *, connections: int, seconds: float) -> load.Job:
    port = bench.site.empty.port
    return load.Job(port=port, requests=[_EMPTY], connections=connections, seconds=seconds, status=201, repeat=True)
