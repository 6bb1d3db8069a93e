"""What millions of past actions cost: awards on top of them."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice, repeat

from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.cores import watched
from tests.benchmarks.past import ACTIONS
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows.award import MOST_A_SECOND, requests


class History(Row):
    """The same load on residents with a past among millions of actions, and on a site that is new."""

    name = "history"
    title = f"POST /actions over {ACTIONS:,} past actions, against none"
    unit = "requests/s"
    goal = 0.9
    warm_up_s = 60.0
    """Of a checkpoint's fifteen minutes: in the first seconds of each nearly every award is the first to change its
    pages, which then go to the log whole. What that costs is told below the table."""

    def prepare(self, bench: Bench) -> None:
        """The past; each round asks for other residents, who all have EACH past actions: half of them to warm up."""
        past = bench.past()
        self._with_past, size = iter(past.residents), past.residents.size
        self._most = chain([size // 20, size // 2], repeat(size * 9 // 20 // bench.rounds))
        past.site.checkpoint()
        alone = self.limit(self.floors(bench))
        self._at_first = self.measure(bench, seconds=bench.seconds).value / alone

    def notes(self) -> Sequence[str]:
        """What the first seconds after a checkpoint are like."""
        return [f"history: {self._at_first:.2f} in the first seconds after a checkpoint."]

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Residents with a past, on the site with all of it."""
        past = bench.past()
        with past.site.app.app_context():
            most = min(next(self._most), int(MOST_A_SECOND * seconds / 2))
            asked = list(islice(self._with_past, most))
            made = list(requests(asked))
        with watched(past.site) as cores:
            tally = load.run(_job(past.site, made, seconds=seconds))
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """As many residents without a past, on the site that has hardly any."""
        group = bench.population.group(int(MOST_A_SECOND * bench.seconds / 2))
        return {"no past": load.run(_job(bench.site, list(requests(group)), seconds=bench.seconds)).rate}


def _job(site: BenchSite, made: list[bytes], *, seconds: float) -> load.Job:
    return load.Job(port=site.web.port, requests=made, connections=CONNECTIONS, seconds=seconds, status=201)
