"""Advisory locks: one projector at a time per partition, one filling at a time per board, one rebuild of totals."""

from typing import Any

import psycopg

from backend.database import advisory
from backend.outbox import PARTITIONS


def try_partition(cursor: psycopg.Cursor[Any], partition: int) -> bool:
    """Become the projector of a partition until the transaction ends, if nobody is."""
    return _truth(cursor, "SELECT pg_try_advisory_xact_lock(%s, %s)", (advisory.PROJECTOR, partition))


def take_partition(cursor: psycopg.Cursor[Any], partition: int) -> None:
    """Become the projector of a partition until the transaction ends; waits for the present one."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (advisory.PROJECTOR, partition))


def taking_partition(partition: str) -> str:
    """SQL: an expression that does so in the midst of a statement, which goes on seeing what it saw before."""
    return f"pg_advisory_xact_lock({advisory.PROJECTOR}, {partition})"


def take_rebuilding(cursor: psycopg.Cursor[Any], partition: int) -> None:
    """Become who rebuilds a partition's totals until the transaction ends; waits for the present one."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (advisory.REBUILDING, partition))


def let_projectors_end(cursor: psycopg.Cursor[Any]) -> None:
    """Wait until every projector's transaction that runs now has ended."""
    for partition in range(PARTITIONS):
        # A lock taken after a savepoint is given back with it: it must not keep the next projector waiting.
        with cursor.connection.transaction(force_rollback=True):
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", (advisory.PROJECTOR, partition))


def try_filling(cursor: psycopg.Cursor[Any], name: str) -> bool:
    """Become the one who fills this board until the transaction ends, if nobody is."""
    return _truth(cursor, "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", (advisory.FILLING, name))


def _truth(cursor: psycopg.Cursor[Any], sql: str, values: tuple[Any, ...]) -> bool:
    row = cursor.execute(sql, values).fetchone()
    return bool(row and row[0])
