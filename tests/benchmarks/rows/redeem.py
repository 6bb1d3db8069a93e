"""POST /redemptions of one hot reward of which there is enough: all win, and all need the one row of its stock."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice

from backend.outbox import PARTITIONS
from tests.benchmarks import floors, load, replay, shop, signed
from tests.benchmarks.bench_site import CONNECTIONS, BenchSite
from tests.benchmarks.cores import watched
from tests.benchmarks.http_bytes import json_body, post
from tests.benchmarks.population import SPREAD, Group
from tests.benchmarks.row import Bench, Row, Sample, sample_of
from tests.benchmarks.rows.refusals import PATH

STOCK = 10_000_000
MOST_A_SECOND = 3_000
MOST_PGBENCH_A_SECOND = 12_000

_OPENING = f"""\
\\set turn :turn + 1
\\set resident_id :first + (:turn * {CONNECTIONS} + :client_id) * {SPREAD} % :size
\\set partition :resident_id % {PARTITIONS}
"""
_COMPUTED = {"resident_id": "resident_id", "partition": "partition", "version": "seen_version"}
_BOOKS = """
SELECT (SELECT %(stock)s - stock FROM rewards WHERE id = %(reward_id)s), (SELECT count(*) FROM redemptions
    WHERE reward_id = %(reward_id)s)
"""


class Redeem(Row):
    """Each resident's first piece; the stock must be less by exactly what was acknowledged."""

    name = "redeem"
    title = f"POST /redemptions of a hot reward, {CONNECTIONS} connections, distinct residents, all win"
    unit = "requests/s"
    goal = 0.4

    def prepare(self, bench: Bench) -> None:
        """Residents with points, and the statements that pgbench is to repeat."""
        each = int(MOST_PGBENCH_A_SECOND * max(1, round(bench.seconds)))
        self._for_pgbench = [shop.residents_with_points(bench, each) for _ in range(bench.rounds + 1)]
        bench.population.settle()
        self._sent = self._statements(bench)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """Ask for new residents only."""
        group = shop.residents_with_points(bench, int(MOST_A_SECOND * seconds))
        job = load.Job(
            port=bench.site.web.port,
            requests=list(_requests(bench, group)),
            connections=CONNECTIONS,
            seconds=seconds,
            status=201,
        )
        before = _taken(bench.site)
        with watched(bench.site) as cores:
            tally = load.run(job)
        taken, told = _taken(bench.site) - before, len(tally.latencies)
        if taken != told:
            raise load.LoadError(f"{told} redemptions were acknowledged, but {taken} pieces are gone.")
        return sample_of(tally, cores=cores)

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The same statements without Python, on the same row of stock."""
        group = self._for_pgbench.pop()
        made = replay.script(self._sent, name="redeem", opening=_OPENING, computed=_COMPUTED)
        place = {"turn": "0", "first": str(group.first), "size": str(group.size)}
        script = replay.Script(made.text, {**made.variables, **place})
        taken = floors.pgbench(bench.site, [script], seconds=bench.seconds, done=lambda: _taken(bench.site))
        return {"pgbench on one row": taken}

    def _statements(self, bench: Bench) -> list[replay.Sent]:
        client = bench.site.app.test_client()
        for resident_id in islice(shop.residents_with_points(bench, 2), 2):
            with replay.recorded() as sent:
                headers = signed.token_and_key(resident_id)
                answer = client.post(PATH, json={"reward_id": _reward_id(bench.site)}, headers=headers)
            if answer.status_code != 201:
                raise load.LoadError(f"The specimen was refused: {answer.text}")
        return sent


@cache
def _reward_id(site: BenchSite) -> int:
    """The plentiful reward: one for a site, whoever asks for it first."""
    return shop.new_reward(stock=STOCK)


def _requests(bench: Bench, group: Group) -> Iterator[bytes]:
    body = json_body({"reward_id": _reward_id(bench.site)})
    for resident_id in group:
        yield post(PATH, body=body, headers=signed.token_and_key(resident_id))


def _taken(site: BenchSite) -> int:
    """Pieces that are gone; raises LoadError where the redemptions say another number."""
    with site.connect() as connection:
        gone, redeemed = connection.execute(_BOOKS, {"stock": STOCK, "reward_id": _reward_id(site)}).fetchone()
    if gone != redeemed:
        raise load.LoadError(f"{gone} pieces are gone, but there are {redeemed} redemptions.")
    return int(gone)
