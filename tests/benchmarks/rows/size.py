"""What it takes in memory and on disk."""

from collections.abc import Mapping, Sequence

import psutil

from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.load import LoadError
from tests.benchmarks.memory import peak_mb
from tests.benchmarks.reasons import INDEXES, TABLES
from tests.benchmarks.row import Bench, Row, Sample
from tests.benchmarks.rows.award import Award

_SIZES = """
SELECT t.relname, pg_relation_size(t.oid) + coalesce(pg_total_relation_size(nullif(t.reltoastrelid, 0)), 0),
    coalesce((SELECT json_object_agg(i.relname, pg_relation_size(i.oid))
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = t.oid), '{}')
FROM pg_class t WHERE t.relname = ANY(%s) AND t.relkind = 'r'
"""
_KEYS = "SELECT pg_total_relation_size('idempotency_keys'), count(*) FROM idempotency_keys"
_LEAST_S = 2.0
"""Of awards: so many keys that the last page of each index does not count."""


class Memory(Award):
    """The most that one worker has taken, after a load of awards on it, with what it shares with master and others."""

    name = "memory"
    title = "peak memory of one web worker after awards, against an empty Flask worker"
    unit = "MB"
    goal, sign, tail = 2.0, "≤", None

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """The largest worker's peak, once it has worked."""
        super().measure(bench, seconds=seconds)
        self._own = _own_mb(bench.site.web.pid)
        return Sample(value=_peak_mb(bench.site.web.pid))

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """The same of the empty application, once it has worked."""
        super().floors(bench)
        self._own_of_empty = _own_mb(bench.site.empty.pid)
        return {"empty Flask worker": _peak_mb(bench.site.empty.pid)}

    def bound(self, cores: Mapping[str, float]) -> str:
        """What one more worker takes: the rest is shared."""
        return f"memory: {self._own:.0f} MB its own (empty {self._own_of_empty:.0f}), the rest shared with others"


class Bytes(Row):
    """Bytes stored for each of the past actions, with all that belongs to it."""

    name = "bytes"
    title = "bytes stored an action, indexes included"
    unit = "bytes"
    goal = None
    warm_up_s = 0.0

    def prepare(self, bench: Bench) -> None:
        """The past."""
        self._notes = _told(bench.past().site, actions=bench.past().actions)

    def measure(self, bench: Bench, *, seconds: float) -> Sample:
        """All tables and indexes together."""
        return Sample(value=sum(size for _, size, _ in self._notes))

    def floors(self, bench: Bench) -> Mapping[str, float]:
        """What the values of an action itself take: its row, without any index."""
        return {"row of the action": next(size for name, size, _ in self._notes if name == "actions")}

    def notes(self) -> Sequence[str]:
        """What each table and index costs, and why it stays."""
        lines = [f"  {size:7.1f}  {name}: {why}" for name, size, why in self._notes]
        key = f"  {self._key:7.1f}  more for a day where an action is posted with an idempotency key: its stored answer"
        return ["bytes an action, and why:", *lines, key]

    def bound(self, cores: Mapping[str, float]) -> str:
        """What the bytes are of."""
        indexes = sum(size for name, size, _ in self._notes if name in INDEXES)
        whole = sum(size for _, size, _ in self._notes)
        return f"disk: tables {whole - indexes:,.0f}, indexes {indexes:,.0f} bytes"

    def once(self, bench: Bench) -> None:
        """What the key of a posted action takes, with its answer: the partners of the past send none."""
        with bench.site.connect() as connection:
            size_before, keys_before = connection.execute(_KEYS).fetchone()
            Award().measure(bench, seconds=max(_LEAST_S, bench.seconds))
            size, keys = connection.execute(_KEYS).fetchone()
        self._key = (size - size_before) / (keys - keys_before)


def _peak_mb(master: int) -> float:
    return max(peak_mb(worker.pid) for worker in psutil.Process(master).children())


def _own_mb(master: int) -> float:
    """The most that a worker has for itself now: what a further worker adds."""
    return max(worker.memory_full_info().uss for worker in psutil.Process(master).children()) / 2**20


def _told(site: BenchSite, *, actions: int) -> list[tuple[str, float, str]]:
    told = []
    with site.connect() as connection:
        sizes = {name: (own, indexes) for name, own, indexes in connection.execute(_SIZES, (list(TABLES),))}
    for table, why in TABLES.items():
        own, indexes = sizes[table]
        told.append((table, own / actions, why))
        told += [(name, size / actions, _reason(name)) for name, size in sorted(indexes.items())]
    return told


def _reason(index: str) -> str:
    if index not in INDEXES:
        raise LoadError(f"The index {index} has no reason to be there: name it in tests/benchmarks/reasons.py.")
    return INDEXES[index]
