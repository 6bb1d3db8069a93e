"""One view of the database for many connections: everything is compared as of one moment, while requests go on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from backend.database import abreast, autocommit_cursor, take_time
from backend.database.abreast import Cursor, Result

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SETTINGS = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"
# Memory is bounded by work_mem: what does not fit is spilled to disk. Whole tables are read, in the order in which they
# lie, and joined and grouped by hash: what the planner would rather do for a part of them takes several times as long,
# above all walking an index row by row so as to group without hashing.
_FOR_SCREENS = """
SET LOCAL work_mem = '64MB'; SET LOCAL enable_mergejoin = off; SET LOCAL enable_nestloop = off;
SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the database, `as_of` by its own clock; `cursor` is for whoever asks one thing at a time."""

    as_of: datetime
    cursor: Cursor
    _cursors: Sequence[Cursor]

    def each(self, jobs: Iterable[Callable[[Cursor], Result]]) -> Iterator[Result]:
        """The results of all jobs in their order, some of them at once, never many waiting to be taken."""
        return abreast.each(self._cursors, jobs)


@contextmanager
def snapshot(*, workers: int) -> Iterator[Snapshot]:
    """A read-only snapshot on one connection more than there are workers."""
    with ExitStack() as stack:
        first = stack.enter_context(_opened())
        take_time(first, seconds=0)
        first.execute(_SETTINGS)
        [(as_of, name)] = first.execute("SELECT now(), pg_export_snapshot()").fetchall()
        cursors: list[Cursor] = []
        for _ in range(workers):
            cursor = stack.enter_context(_opened())
            cursor.execute("SET TRANSACTION SNAPSHOT " + psycopg.sql.quote(name))
            take_time(cursor, seconds=0)
            cursor.execute(_SETTINGS)
            cursor.execute(_FOR_SCREENS)
            cursors.append(cursor)
        yield Snapshot(as_of, first, cursors)


@contextmanager
def _opened() -> Iterator[Cursor]:
    with autocommit_cursor() as cursor:
        cursor.execute(_BEGIN)
        try:
            yield cursor
        finally:
            if not cursor.connection.closed:
                cursor.connection.rollback()
