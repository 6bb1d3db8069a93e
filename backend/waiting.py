"""What waits in the outbox, found without walking over what no longer does.

Removed rows stay in the table, and in its index, until nobody may still see them: as long as a dump, `flask verify` or
an ANALYZE has its snapshot. To look for the first row from the beginning would take a walk over all that went since,
several times a second. So each process remembers up to which number nothing waits, nor ever will.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

import psycopg

from backend import present
from backend.database import array
from backend.outbox import PARTITIONS

ANEW_S = 60.0
"""So long a look may trust what was remembered; then one begins at the beginning. It finds what should never be there:
a number that was given away before its transaction had locked anything, or again by a database that went back in time
(a backup, a replica that lagged).
"""
_NOTHING = (0,) * PARTITIONS

# Of the numbers given away the last, which the rows that are found cannot tell. A standby has no log of its own.
_LOOK = """
SELECT p.partition, first.id, first.posted_at,
    (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM outbox_id_seq),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    CASE WHEN %s AND NOT pg_is_in_recovery() AND pg_current_xact_id_if_assigned() IS NULL
        THEN pg_current_xact_id()::text::bigint END,
    CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_insert_lsn() - '0/0')::bigint END,
    CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_flush_lsn() - '0/0')::bigint END
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


class Seen(NamedTuple):
    """What a look tells beside the rows."""

    given: int
    """The last number that was given away."""
    oldest: int
    """Transactions with a number below this one were over."""
    own: int | None
    """The number of the look's own transaction, if it was asked to get one: all that were given before are lower. (What
    a snapshot calls its end, xmax, says nothing of those that are under way.)"""
    written: int | None
    """How far PostgreSQL's log was written, and how far it was on the disk; None, as for `own`: this is a standby."""
    flushed: int | None


@dataclass(slots=True)
class Front:
    """Up to which numbers one process knows that nothing waits.

    A row is numbered by a transaction that has locked its resident or their wallet: by then the transaction has a
    number itself (xid). On that rest four steps, one look each, over and over: `given`, `until`, `clear`, `above`.
    """

    above: tuple[int, ...] = _NOTHING
    """By partition: no row with a number up to this waits, nor ever will."""
    given: int | None = None
    """Step 1: the last number of a row that had been given away when a look ended."""
    until: int | None = None
    """Step 2: the xid of a transaction that began after that. Whoever was given `given`, or a number before it, had a
    lower xid by then."""
    clear: tuple[int, ...] | None = None
    """Step 3, once all transactions below `until` are over: a row with a number up to this, by partition, that a
    snapshot does not show never comes, unless PostgreSQL crashes."""
    by: int = 0
    """Step 4: `clear` becomes `above` once PostgreSQL's log is on the disk up to here, as far as it was written at
    step 3. Those who project do not wait for the disk: before, a crash could bring back rows that they have removed."""
    looks: int = 0
    """How many taught something. A look that began before the last of those ended teaches nothing: its transaction may
    have begun before `given` was."""
    anew_at: float = -math.inf
    lock: Lock = field(default_factory=Lock)

    def look(self, asked: psycopg.Cursor[Any], *, anew: bool = False) -> dict[int, First]:
        """The first row that waits, of each partition where one does; `anew`: whatever was remembered.

        Expects a cursor whose statements each see what is committed (READ COMMITTED, or autocommit).
        """
        with self.lock:
            looks, own = self.looks, self.given is not None and self.until is None and self.given > min(self.above)
            # Noted before it has come to anything: one that takes too long must not be followed by others.
            if anew or time.monotonic() - self.anew_at >= ANEW_S:
                anew, self.anew_at = True, time.monotonic()
            above = _NOTHING if anew else self.above
        # A plan that is kept may have been made while the table was empty, and read all of it ever after.
        rows = asked.execute(_LOOK, (own, array(above)), prepare=False).fetchall()
        seen = Seen(*rows[0][3:])
        if seen.given < max(above):
            return self.look(asked, anew=True)
        found = {partition: First(number, posted_at) for partition, number, posted_at, *_ in rows if number is not None}
        with self.lock:
            if looks == self.looks:
                self.looks += 1
                self._learn(found, seen)
        return found

    def _learn(self, found: Mapping[int, First], seen: Seen) -> None:
        if self.given is None or seen.given < self.given:
            self.given, self.until, self.clear, self.above = seen.given, None, None, _NOTHING
            return
        if self.until is None:
            self.until = seen.own
            if seen.own is None:
                # No row has come since, or none can be waited for here.
                self.given = seen.given
        elif self.clear is None and seen.oldest > self.until and seen.written is not None:
            self.clear, self.by = _before((self.given,) * PARTITIONS, found), seen.written
        if self.clear is not None and seen.flushed is not None and seen.flushed >= self.by:
            self.above, self.given, self.until, self.clear = self.clear, seen.given, None, None
        self.above = _before(self.above, found)


def _before(numbers: Sequence[int], found: Mapping[int, First]) -> tuple[int, ...]:
    """These numbers by partition, and no higher than just before the first row that waits."""
    return tuple(
        min(number, found[partition].id - 1) if partition in found else number
        for partition, number in enumerate(numbers)
    )


def firsts(asked: psycopg.Cursor[Any], *, anew: bool = False) -> dict[int, First]:
    """The first row that waits, of each partition where one does: as this process's `Front.look`."""
    front = present.made_once("outbox_front", Front)
    return front.look(asked, anew=anew)


def oldest_posted_at(asked: psycopg.Cursor[Any]) -> datetime | None:
    """When the oldest row that waits was posted: projections are complete up to there. None: nothing waits."""
    return min((first.posted_at for first in firsts(asked).values()), default=None)
