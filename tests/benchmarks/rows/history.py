"""What millions of past actions cost: awards on top of them."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice, repeat

from tests.benchmarks import load
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.cores import watched
from tests.benchmarks.load import LoadError
from tests.benchmarks.past import ACTIONS
from tests.benchmarks.population import Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows.award import MOST_A_SECOND, requests


class History(Row):
    """The same load on residents with a past among millions of actions, and on a site that is new."""

    name = "history"
    title = f"POST /actions over {ACTIONS:,} past actions, against none"
    unit = "requests/s"
    goal = 0.9
    slices = 3
    warm_up_s = 60.0
    """Of a checkpoint's fifteen minutes: in the first seconds of each nearly every award is the first to change its
    pages, which then go to the log whole. What that costs is told below the table."""

    def prepare(self, bench: Bench) -> None:
        """The past; each round asks for other residents, who all have EACH past actions: half of them to warm up.

        And residents of the site without a past, for two floors here and those of the rounds.
        """
        past, new = bench.past(), bench.no_past()
        self._with_past, size = iter(past.residents), past.residents.size
        cuts = bench.rounds * self.slices
        self._most = chain([size // 20, size // 20, size // 2], repeat(size * 8 // 20 // cuts))
        lengths = [*repeat(bench.seconds / self.slices, cuts + 1), bench.seconds, bench.seconds]
        self._newcomers = [new.population.group(int(MOST_A_SECOND * seconds / 2)) for seconds in lengths]
        self._done_by_newcomers = 0
        new.population.settle()
        # Nobody has asked these two web servers for anything yet: their first answers would stand for a checkpoint's.
        self.floors(bench)
        self.measure(bench, seconds=1.0)
        for site in (new.site, past.site):
            site.checkpoint()
        alone = self.limit(self.floors(bench))
        self._at_first = self.measure(bench, seconds=bench.seconds).value / alone

    def notes(self) -> Sequence[str]:
        """What the first seconds after a checkpoint are like, and how new the other site still was."""
        held = f"{self._done_by_newcomers:,} actions, those of its own floors"
        return [
            f"history: {self._at_first:.2f} in the first seconds after a checkpoint.",
            f"history: in the end the site without a past held {held}.",
        ]

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Residents with a past, on the site with all of it."""
        past = bench.past()
        asked = list(islice(self._with_past, min(next(self._most), int(MOST_A_SECOND * seconds / 2))))
        job = _job(past.site, asked, seconds=seconds)
        with watched(past.site) as cores:
            tally = load.run(job)
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """As many residents without a past, on a site that holds only what these floors have done there."""
        site = bench.no_past().site
        tally = load.run(_job(site, self._newcomers.pop(), seconds=bench.seconds))
        self._done_by_newcomers += len(tally.latencies)
        held = _actions(site)
        if held != self._done_by_newcomers:
            raise LoadError(f"The site without a past holds {held:,} actions instead of {self._done_by_newcomers:,}.")
        return {"no past": tally.rate}


def _job(site: BenchSite, residents: Group | list[int], *, seconds: float) -> load.Job:
    with site.app.app_context():
        made = list(requests(residents))
    return load.Job(port=site.web.port, requests=made, connections=CONNECTIONS, seconds=seconds, status=201)


def _actions(site: BenchSite) -> int:
    with site.connect() as connection:
        return int(connection.execute("SELECT count(*) FROM actions").fetchone()[0])
