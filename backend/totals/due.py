"""What must stand in the tables of totals: it follows from actions and ledger entries, less what waits in the outbox.

Each table has SQL whose rows, summed by its key, say by how much it is off: what is due counts as it is, what stands in
the table and what waits in the outbox counts negative. Where all is right nothing is left.

By how much a row is off stays the same whatever goes on: an action or entry and its row of the outbox are written
together, and a projector takes that row away together with adding it to the tables. So what a statement has found may
be added at any later time, but only once.
"""

from dataclasses import dataclass

from backend.outbox import PARTITIONS
from backend.totals.models import ANY, OF_ALL_TIME

RANGE = "BETWEEN %(first)s AND %(last)s"
SOME = "= ANY(%(residents)s)"
"""SQL after resident_id: whose participations."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A table whose rows, by `key`, hold sums that follow from other tables."""

    table: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    sides: str
    """SQL: rows (key, sums) of all sides, which add up to nothing where the table is right."""

    def off(self) -> str:
        """SQL: the rows that differ and by how much (key, sums)."""
        key, sums = ", ".join(self.key), ", ".join(f"sum({one}) AS {one}" for one in self.sums)
        differs = " OR ".join(f"sum({one}) <> 0" for one in self.sums)
        return f"SELECT {key}, {sums} FROM ({self.sides}) AS side GROUP BY {key} HAVING {differs}"  # noqa: S608  ours

    def add(self, source: str) -> str:
        """SQL: add rows (key, sums) to the table. One that should not be there comes to zeros, which count nowhere."""
        key, columns = ", ".join(self.key), ", ".join((*self.key, *self.sums))
        added = ", ".join(f"{one} = t.{one} + excluded.{one}" for one in self.sums)
        return f"""
INSERT INTO {self.table} AS t ({columns}) SELECT {columns} FROM {source}
ON CONFLICT ({key}) DO UPDATE SET {added}
"""  # noqa: S608  the parts are ours


def participations(whose: str) -> Projection:
    """The credited actions of residents (RANGE or SOME) by day, task and district."""
    sides = f"""
    SELECT resident_id, local_day AS day, task_id, coalesce(district_id, 0) AS district_id, 1 AS actions
    FROM actions WHERE resident_id {whose} AND status = 'credited'
    UNION ALL SELECT resident_id, day, task_id, coalesce(district_id, 0), -actions
    FROM outbox WHERE resident_id {whose} AND kind = 'action'
    UNION ALL SELECT resident_id, day, task_id, district_id, -actions FROM participations WHERE resident_id {whose}
    """  # noqa: S608  the parts are ours
    return Projection("participations", ("resident_id", "day", "task_id", "district_id"), ("actions",), sides)


_HERE = "%(partition)s::smallint AS partition"
_OWN = f"resident_id %% {PARTITIONS} = %(partition)s"
_TOTALS = f"""
    SELECT {_HERE}, local_day AS day, task_id, coalesce(district_id, 0) AS district_id, tier, co2e_mg, points,
        1 AS actions
    FROM actions WHERE {_OWN} AND status = 'credited'
    UNION ALL SELECT partition, day, task_id, coalesce(district_id, 0), tier, -co2e_mg, -points, -actions
    FROM outbox WHERE partition = %(partition)s AND kind = 'action'
    UNION ALL SELECT partition, day, task_id, district_id, tier, -co2e_mg, -points, -actions
    FROM totals WHERE partition = %(partition)s
"""  # noqa: S608  the parts are ours
_MOVEMENTS = f"""
    SELECT {_HERE}, (posted_at AT TIME ZONE %(zone)s)::date AS day, kind,
        CASE WHEN kind IN ('adjust', 'return') THEN points ELSE -points END AS points, 1 AS times
    FROM ledger_entries WHERE {_OWN} AND kind NOT IN ('award', 'reversal')
    UNION ALL SELECT partition, day, kind, -points, -1
    FROM outbox WHERE partition = %(partition)s AND kind NOT IN ('action', 'moved')
    UNION ALL SELECT partition, day, kind, -points, -times FROM movements WHERE partition = %(partition)s
"""  # noqa: S608  the parts are ours
# From the participations, as a projector does it: what they are is by how much participants change. What waits in the
# outbox is not in them either. A resident counts once in each grouping of a day, and once ever.
_PARTICIPANTS = f"""
    SELECT {_HERE}, CASE GROUPING(day) WHEN 1 THEN DATE '{OF_ALL_TIME}' ELSE day END AS day,
        CASE GROUPING(task_id) WHEN 1 THEN {ANY} ELSE task_id END AS task_id,
        CASE GROUPING(district_id) WHEN 1 THEN {ANY} ELSE district_id END AS district_id, 1 AS residents
    FROM participations WHERE {_OWN} AND actions > 0
    GROUP BY GROUPING SETS ((resident_id), (resident_id, day), (resident_id, day, task_id),
        (resident_id, day, district_id), (resident_id, day, task_id, district_id))
    UNION ALL SELECT partition, day, task_id, district_id, -residents
    FROM participants WHERE partition = %(partition)s
"""  # noqa: S608  the parts are ours
CITY = (
    Projection(
        "totals", ("partition", "day", "task_id", "district_id", "tier"), ("co2e_mg", "points", "actions"), _TOTALS
    ),
    Projection("movements", ("partition", "day", "kind"), ("points", "times"), _MOVEMENTS),
    Projection("participants", ("partition", "day", "task_id", "district_id"), ("residents",), _PARTICIPANTS),
)
"""Of all residents of a `partition` together, in the city's `zone`. Participants follow from the participations: first
those must be right.
"""
OF_THE_CITY = f"""
SELECT generate_series(0, {PARTITIONS} - 1)::smallint AS partition UNION SELECT partition FROM totals
UNION SELECT partition FROM movements UNION SELECT partition FROM participants ORDER BY partition
"""  # noqa: S608  a constant of ours
"""SQL: every partition, and whichever else the tables name."""
