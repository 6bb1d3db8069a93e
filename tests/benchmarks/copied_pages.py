"""Pages for the raw COPY: the rows that the feed wrote for one page, under numbers that nobody has yet.

The same statements, residents and values, so that the indexes are met in the same places; only sequence
numbers and external ids are moved, by putting the number of the page before them.
"""

import re
from collections.abc import Iterable, Sequence

import psycopg

from backend.actions import copying
from tests.benchmarks.floors import Page

_STATEMENTS = (copying.EXTERNAL_EVENTS, copying.ACTIONS, copying.ENTRIES, copying.OUTBOX)
_MARK = "@"
"""Stands for the number of the page; nothing that the feed writes holds it."""
_MOVED = {
    "external_events": ("external_id", "action_seq"),
    "actions": ("seq",),
    "ledger_entries": ("seq", "reference_id"),
    "outbox": (),
}
_LAST_PAGE = "SELECT received_at FROM external_events ORDER BY received_at DESC LIMIT 1"
_PARTS = re.compile(r"COPY (\w+) \((.*)\)\s+FROM STDIN", re.DOTALL)


def templates(connection: psycopg.Connection) -> list[tuple[str, bytes]]:
    """Each COPY statement of the feed with the rows that the newest page wrote, marked where they move."""
    stamp = connection.execute(_LAST_PAGE).fetchone()[0]
    return [(statement, _rows(connection, statement, stamp)) for statement in _STATEMENTS]


def pages(marked: Sequence[tuple[str, bytes]], numbers: Iterable[int]) -> list[Page]:
    """A page of its own for each number; a number must not come twice."""
    return [[(statement, rows.replace(_MARK.encode(), b"%d" % n)) for statement, rows in marked] for n in numbers]


def _rows(connection: psycopg.Connection, statement: str, stamp: object) -> bytes:
    table, columns = _PARTS.search(statement).groups()
    shown = [_shown(column.strip(), moved=_MOVED[table]) for column in columns.split(",")]
    instant = "received_at" if "received_at" in columns else "posted_at"
    query = f"COPY (SELECT {', '.join(shown)} FROM {table} WHERE {instant} = %s ORDER BY resident_id) TO STDOUT"
    with psycopg.ClientCursor(connection) as cursor, cursor.copy(query, (stamp,)) as copy:
        return b"".join(copy)


def _shown(column: str, *, moved: Sequence[str]) -> str:
    if column not in moved:
        return column
    return f"'{_MARK}' || " + (column if column == "external_id" else f"lpad({column}::text, 6, '0')")
