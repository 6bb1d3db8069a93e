"""Reading one's own pages in one round trip: the statement that reads also checks the token's epoch."""

from backend.database import prepared_statements
from backend.database.statements import AnyCursor, Row
from backend.errors import UnauthenticatedError
from backend.residents.auth import Caller

MINE = "r.resident_id = %(resident_id)s AND r.state = 'active' AND r.token_epoch = %(epoch)s"
"""Condition on `residents r`: it is the caller's row, and the caller's sessions have not been ended."""


def rows(sql: str, *, caller: Caller, **values: object) -> list[Row]:
    """All rows of a statement that holds MINE; it must give at least one for a valid caller.

    Raises UnauthenticatedError where it gives none.
    """
    with prepared_statements() as cursor:
        return rows_with(cursor, sql, caller=caller, **values)


def rows_with(cursor: AnyCursor, sql: str, *, caller: Caller, **values: object) -> list[Row]:
    """What a statement about the caller gives on a cursor inside a transaction; raises UnauthenticatedError."""
    found = cursor.execute(sql, {"resident_id": caller.resident_id, "epoch": caller.epoch, **values}).fetchall()
    if not found:
        raise UnauthenticatedError
    return found
