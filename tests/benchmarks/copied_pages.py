"""Pages for the raw COPY: the rows that the feed wrote for its newest pages, under numbers that nobody has yet.

The same statements, residents and values, so that the indexes are met in the same places; only sequence
numbers and external ids are moved, by putting the number of the page before them. Several pages in turn: one page's
residents again and again would keep to a corner of each index, as no feed does.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import count, cycle, islice

import psycopg

from backend.actions import copying
from backend.outbox import PARTITIONS
from tests.benchmarks import floors
from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.floors import Page

_STATEMENTS = (copying.EXTERNAL_EVENTS, copying.ACTIONS, copying.ENTRIES, copying.OUTBOX)
_MARK = "@"
"""Stands for the number of the page; nothing that the feed writes holds it."""
_MOVED = {
    "external_events": ("external_id", "action_seq"),
    "actions": ("seq",),
    "ledger_entries": ("seq", "reference_id"),
}
# Another row may have copied pages before: their copies bear the same instants as what they were copied from.
_ORIGINAL = {
    "external_events": "external_id NOT LIKE 'copy%%'",
    "actions": "seq < 1000000",
    "ledger_entries": "seq < 1000000",
}
# What a page left there was folded, and is gone. It was put together from the page's actions, as here.
_OUTBOX = f"""
SELECT resident_id, resident_id %% {PARTITIONS}, 'action', local_day, task_id, tier, district_id, sum(co2e_mg),
    sum(points), count(*), posted_at
FROM actions WHERE posted_at = %s AND {_ORIGINAL["actions"]} AND status = 'credited'
GROUP BY resident_id, local_day, task_id, tier, district_id, posted_at ORDER BY resident_id
"""
_FULL_PAGES = """
SELECT received_at FROM (
    SELECT received_at, count(*) = max(count(*)) OVER () AS is_full FROM external_events
    WHERE external_id NOT LIKE 'copy%%' GROUP BY 1
) AS page WHERE is_full ORDER BY received_at DESC LIMIT %s
"""
_PARTS = re.compile(r"COPY (\w+) \((.*)\)\s+FROM STDIN", re.DOTALL)


Marked = Sequence[tuple[str, bytes]]
"""COPY statements with their rows, marked where they move."""


class Copying:
    """The raw COPY beside a row that feeds: of the newest pages, those that the row itself wrote before all others."""

    _numbers = count(1)
    """Of the copies of all rows of a run: of two rows' newest pages some may be the same ones."""

    def __init__(self, site: BenchSite, *, pages: int, most_a_second: int, connections: int) -> None:
        """`pages`: how many of the newest are copied in turn; they should be of as many residents as the row meets."""
        self._site = site
        self._pages = pages
        self._most_a_second = most_a_second
        self._connections = connections
        self._templates: list[Marked] = []

    def events_a_second(self, seconds: float) -> float:
        """As many as COPY alone writes."""
        if not self._templates:
            with self._site.connect() as connection:
                self._templates = templates(connection, most=self._pages)
        numbers = islice(self._numbers, int(self._most_a_second * seconds))
        made = iter(pages(self._templates, numbers))
        rate = floors.copying(self._site, made, seconds=seconds, connections=self._connections)
        return rate * size(self._templates)


def templates(connection: psycopg.Connection, *, most: int) -> list[Marked]:
    """Each of the newest full pages that the feed wrote, up to so many."""
    stamps = connection.execute(_FULL_PAGES, (most,)).fetchall()
    return [[(statement, _rows(connection, statement, stamp)) for statement in _STATEMENTS] for (stamp,) in stamps]


def pages(marked: Sequence[Marked], numbers: Iterable[int]) -> list[Page]:
    """A page of its own for each number; a number must not come twice."""
    return [
        [(statement, rows.replace(_MARK.encode(), b"%d" % n)) for statement, rows in page]
        for n, page in zip(numbers, cycle(marked), strict=False)
    ]


def size(marked: Sequence[Marked]) -> int:
    """How many events each page holds."""
    return marked[0][0][1].count(b"\n")


def _rows(connection: psycopg.Connection, statement: str, stamp: object) -> bytes:
    query = _OUTBOX if statement is copying.OUTBOX else _query(statement)
    with psycopg.ClientCursor(connection) as cursor, cursor.copy(f"COPY ({query}) TO STDOUT", (stamp,)) as copy:
        return b"".join(copy)


def _query(statement: str) -> str:
    table, columns = _PARTS.search(statement).groups()
    shown = [_shown(column.strip(), moved=_MOVED[table]) for column in columns.split(",")]
    instant = "received_at" if "received_at" in columns else "posted_at"
    return f"SELECT {', '.join(shown)} FROM {table} WHERE {instant} = %s AND {_ORIGINAL[table]} ORDER BY resident_id"


def _shown(column: str, *, moved: Sequence[str]) -> str:
    if column not in moved:
        return column
    return f"'copy{_MARK}-' || external_id" if column == "external_id" else f"'{_MARK}' || lpad({column}::text, 6, '0')"
