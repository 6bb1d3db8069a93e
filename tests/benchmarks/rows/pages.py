"""Pages that a resident reads: asked in turn by many residents, beside the empty POST."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from tests.benchmarks import floors, load, signed
from tests.benchmarks.bench_site import CONNECTIONS
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import get, post
from tests.benchmarks.row import Bench, Row, Sample, sample_of


class Page(Row):
    """A page, and who asks for it."""

    unit = "requests/s"
    slices = 3
    path: str

    @abstractmethod
    def readers(self, bench: Bench) -> Iterable[int]:
        """Residents who ask for it, in their order."""

    @abstractmethod
    def refuse(self, page: Mapping[str, Any]) -> None:
        """Raise LoadError for a page that is not what the row is about."""

    def prepare(self, bench: Bench) -> None:
        """The requests; one of them is looked at."""
        tokens = [signed.token(reader) for reader in self.readers(bench)]
        self._requests = [get(self.path, headers=token) for token in tokens]
        self._empty = post("/", body=b"{}", headers=tokens[0])
        answer = bench.site.app.test_client().get(self.path, headers=tokens[0])
        if answer.status_code != 200:
            raise load.LoadError(f"{self.path} was refused: {answer.text}")
        self.refuse(answer.json)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Ask for the page again and again."""
        job = load.Job(
            port=bench.site.web.port,
            requests=self._requests,
            connections=CONNECTIONS,
            seconds=seconds,
            status=200,
            repeat=True,
        )
        with watched(bench.site) as cores:
            tally = load.run(job)
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The empty POST with the same header fields."""
        rate = floors.empty_post(bench.site, request=self._empty, seconds=bench.seconds)
        return {"empty Flask POST": rate}


def must_be(found: object, wanted: object, what: str) -> None:
    """Raise LoadError where a page holds something else than was wanted."""
    if found != wanted:
        raise load.LoadError(f"{what}: {found!r} instead of {wanted!r}")
