"""What waits in the outbox, found without walking over what no longer does.

Removed rows stay in the table, and in its index, until nobody may still see them: as long as a dump, `flask verify` or
an ANALYZE has its snapshot. To look for the first row from the beginning would take a walk over all that went since,
several times a second. So each process remembers up to which number nothing waits, nor ever will.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

import psycopg

from backend import present
from backend.database import array, cursor
from backend.outbox import PARTITIONS

ANEW_S = 60.0
"""So long a look may trust what was remembered; then one begins at the beginning. It finds what should never be there:
a number that was given away before its transaction had locked anything, or again by a database that went back in time.
"""
_NOTHING = (0,) * PARTITIONS

# Of the numbers given away the last, which the rows that are found cannot tell.
_LOOK = """
SELECT p.partition, first.id, first.posted_at,
    (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM outbox_id_seq),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
FROM unnest(%s::bigint[]) WITH ORDINALITY AS from_here (above, place)
CROSS JOIN LATERAL (SELECT (place - 1)::smallint AS partition) AS p
LEFT JOIN LATERAL (
    SELECT o.id, o.posted_at FROM outbox o WHERE o.partition = p.partition AND o.id > above ORDER BY o.id LIMIT 1
) AS first ON true
"""


@dataclass(frozen=True, slots=True)
class First:
    """The first row of a partition that waits: its number, and when it was posted."""

    id: int
    posted_at: datetime


@dataclass(slots=True)
class Front:
    """Up to which numbers one process knows that nothing waits.

    A row is numbered by a transaction that has locked its resident or their wallet: by then it has a number itself
    (xid), and is among those that a later snapshot tells apart as over or not. So: `given`, the last number that had
    been given away when a look ended; `until`, as told by a snapshot taken after that, the transactions that could have
    been given it, or one before it; and once all of those are over, what a snapshot does not show of these numbers
    never comes.
    """

    above: tuple[int, ...] = _NOTHING
    """By partition: no row with a number up to this waits, nor ever will."""
    given: int | None = None
    until: int | None = None
    looks: int = 0
    """Of those that something was learned from. A look that began before the last of them ended is learned nothing
    from: its snapshot may be older than `given`."""
    anew_at: float = -math.inf
    lock: Lock = field(default_factory=Lock)

    def look(self, asked: "psycopg.Cursor[Any]", *, anew: bool = False) -> dict[int, First]:
        """The first row that waits, of each partition where one does; `anew`: whatever was remembered.

        Expects a cursor whose statements each see what is committed (READ COMMITTED, or autocommit).
        """
        looks, now = self.looks, time.monotonic()
        anew = anew or now - self.anew_at >= ANEW_S
        above = _NOTHING if anew else self.above
        rows = asked.execute(_LOOK, (array(above),)).fetchall()
        given, oldest, following = rows[0][3:]
        if given < max(above):
            return self.look(asked, anew=True)
        found = {partition: First(number, posted_at) for partition, number, posted_at, *_ in rows if number is not None}
        with self.lock:
            if looks == self.looks:
                self.looks += 1
                self.anew_at = now if anew else self.anew_at
                self._learn(found, given=given, oldest=oldest, following=following)
        return found

    def _learn(self, found: Mapping[int, First], *, given: int, oldest: int, following: int) -> None:
        """`oldest` and `following`: the first transaction that was not over, and the first that had not begun."""
        if self.given is None or given < self.given:
            self.given, self.until, self.above = given, None, _NOTHING
            return
        self.until = following if self.until is None else self.until
        reached = self.above
        if oldest >= self.until:
            reached = (self.given,) * PARTITIONS
            self.given, self.until = given, None
        self.above = tuple(
            min(number, found[partition].id - 1) if partition in found else number
            for partition, number in enumerate(reached)
        )


def firsts(asked: "psycopg.Cursor[Any]", *, anew: bool = False) -> dict[int, First]:
    """The first row that waits, of each partition where one does: as this process's `Front.look`."""
    front = present.made_once("outbox_front", Front)
    return front.look(asked, anew=anew)


def oldest_posted_at(asked: "psycopg.Cursor[Any] | None" = None) -> datetime | None:
    """When the oldest row that waits was posted: projections are complete up to there. None: nothing waits.

    Asked on the session's connection, unless a cursor is given.
    """
    return min((first.posted_at for first in firsts(asked or cursor()).values()), default=None)
