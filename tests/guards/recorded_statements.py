"""What is asked of PostgreSQL while something is done, and which rows each statement could touch."""

import json
from contextlib import contextmanager

import psycopg

from backend.database import cursor, transaction
from tests.sent_statements import noticed

CONDITIONS = ("Index Cond", "Recheck Cond", "Filter", "TID Cond")
DATA = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


@contextmanager
def recorded():
    """The statements of all connections inside the block, as SQL with its values in place."""
    statements = []

    def note(connection, query, values):
        text = query if isinstance(query, str) else query.as_string(connection)
        if text.strip().upper().startswith(DATA):
            statements.append(psycopg.ClientCursor(connection).mogrify(text, values).strip())

    with noticed(note):
        yield statements


def scans_of(statement):
    """(table, its conditions) of each table that the statement reads rows of, as the planner would go about it."""
    with transaction():
        asking = cursor()
        # A small table is read whole because that is cheap. What matters is what could be done.
        asking.execute("SET LOCAL enable_seqscan = off")
        asking.execute("SET LOCAL enable_bitmapscan = off")
        (plan,) = asking.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), ()).fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return list(_scans(plan[0]["Plan"]))


def _scans(node):
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        yield node["Relation Name"], " AND ".join(node[kind] for kind in CONDITIONS if kind in node)
    for inner in node.get("Plans", ()):
        yield from _scans(inner)
