"""The outbox: what projections must still fold in, written in the transaction of the cause.

A row is a narrow delta, never a message to interpret: the projector sums the columns, and what one cause adds to the
same sums is one row. Rows are drained per partition (`resident_id` modulo PARTITIONS), so that several projectors never
meet.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Small, Whole

PARTITIONS = 8
COLUMNS = "resident_id, partition, kind, day, task_id, tier, district_id, co2e_mg, points, actions, posted_at"
"""SQL: what a row of an action says, in the order in which its values are given."""
MOVEMENT_COLUMNS = "resident_id, partition, kind, day, co2e_mg, points, actions, posted_at"
"""SQL: the same for a row of moved points, which belong to no task, tier or district."""


class OutboxRow(Model):
    """One delta to the projections.

    `kind`: `action` (grams, points and actions of a day; negative where they are taken back), or a ledger movement that
    only the totals count: `redeem`, `return`, `expire`, `adjust`; or `moved`: the resident lives elsewhere now, which
    only boards care about.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "partition", "id"),
        # A queue is all dead rows soon: vacuum by their number, not by their share.
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 20_000}},
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    partition: Mapped[Small]
    kind: Mapped[str]
    day: Mapped[date]
    """City day that the action belongs to, or on which the points moved."""
    task_id: Mapped[Whole | None]
    tier: Mapped[str | None]
    district_id: Mapped[Whole | None]
    co2e_mg: Mapped[int]
    points: Mapped[int]
    """Points issued (`action`, `adjust`), or moved to the other account (`redeem`, `expire`: positive numbers)."""
    actions: Mapped[Whole]
    posted_at: Mapped[datetime]


def partition_of(resident_id: int) -> int:
    """The partition that folds this resident's rows."""
    return resident_id % PARTITIONS


def by_partition(residents: Iterable[int], *, at_once: int) -> Iterator[tuple[int, list[int]]]:
    """Partitions, each with up to `at_once` of its residents: one that has more comes several times, one after another.

    For who writes what a projector writes, and must keep out that one alone, and not for long.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for resident_id in residents:
        members[partition_of(resident_id)].append(resident_id)
    for partition, some in members.items():
        for start in range(0, len(some), at_once):
            yield partition, some[start : start + at_once]
