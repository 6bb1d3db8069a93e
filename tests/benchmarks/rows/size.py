"""What it takes in memory and on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.row import Bench, Row, Sample
from tests.benchmarks.rows.award import Award

_PER_ACTION = (
    ("actions", "the action itself, with the versions that explain its grams"),
    ("ledger_entries", "its points: append-only, so that a balance can be proved"),
    ("external_events", "the partner's id, so that a trip counts once"),
    ("participations", "who took part on which day, for distinct participants"),
    ("period_scores", "sums by day, week, month, year: boards come from here"),
    ("wallets", "the resident's running state"),
    ("lots", "what expires when"),
    ("yearly_points", "the yearly cap"),
)
"""Tables that grow with actions or with residents, and why each is there."""
_INDEXES = {
    "actions_pkey": "one action by its number; verify and exports in order",
    "actions_resident_id_happened_at_idx": "what was done around a claim: limits and overlaps",
    "actions_client_reference_key": "a client's own reference counts once",
    "actions_pending_idx": "the reviewers' queue",
    "ledger_entries_pkey": "the statement in order; no gap in the sequence",
    "ledger_entries_resident_id_reference_kind_reference_id_kind_key": "one cause posts once",
    "external_events_pkey": "a trip counts once",
    "external_events_unbound_idx": "what waits for its subject",
    "participations_pkey": "whether somebody is new on a day, by task and district",
    "period_scores_pkey": "a resident's own sums: folding, standings",
    "period_scores_starts_on_period_idx": "filling one board, settling one period",
    "lots_open_idx": "what expires next",
}
_SIZES = """
SELECT t.relname, pg_relation_size(t.oid) + coalesce(pg_total_relation_size(nullif(t.reltoastrelid, 0)), 0),
    coalesce((SELECT json_object_agg(i.relname, pg_relation_size(i.oid))
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = t.oid), '{}')
FROM pg_class t WHERE t.relname = ANY(%s) AND t.relkind = 'r'
"""


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
        return ["bytes an action, and why:", *(f"  {size:7.1f}  {name}: {why}" for name, size, why in self._notes)]


def _peak_mb(master: int) -> float:
    peaks = []
    for worker in psutil.Process(master).children():
        lines = Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


def _own_mb(master: int) -> float:
    """The most that a worker has for itself now: what a further worker adds."""
    return max(worker.memory_full_info().uss for worker in psutil.Process(master).children()) / 2**20


def _told(site: BenchSite, *, actions: int) -> list[tuple[str, float, str]]:
    told = []
    with site.connect() as connection:
        sizes = {
            name: (own, indexes) for name, own, indexes in connection.execute(_SIZES, ([n for n, _ in _PER_ACTION],))
        }
    for table, why in _PER_ACTION:
        own, indexes = sizes[table]
        told.append((table, own / actions, why))
        told += [(name, size / actions, _INDEXES.get(name, "its key")) for name, size in sorted(indexes.items())]
    return told
