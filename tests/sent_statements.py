"""Noticing every statement that is sent to PostgreSQL, by whatever way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg

from backend.database.statements import Statements


def forget_prepared(pgconn: Any, condition: str) -> list[bytes]:
    """Has PostgreSQL forget the prepared statements whose text meets a condition in SQL; gives their names."""
    found = pgconn.exec_(f"SELECT name FROM pg_prepared_statements WHERE statement {condition}".encode())
    names = [found.get_value(place, 0) for place in range(found.ntuples)]
    for name in names:
        pgconn.exec_(b"DEALLOCATE " + name)
    return names


@contextmanager
def noticed(notice: Callable[[psycopg.Connection, Any, Any], None]) -> Iterator[None]:
    """Calls `notice` with connection, statement and values before it is sent; for all that go together, before any."""
    by_cursor, alone, together = psycopg.Cursor.execute, Statements.execute, Statements.together

    def execute(self: psycopg.Cursor, statement: Any, values: Any = None, **more: Any) -> psycopg.Cursor:
        notice(self.connection, statement, values)
        return by_cursor(self, statement, values, **more)

    def execute_alone(self: Statements, statement: str, values: Any = ()) -> Statements:
        notice(self.connection, statement, values)
        return alone(self, statement, values)

    def execute_together(self: Statements, asked: Any) -> Any:
        for statement, values in asked:
            notice(self.connection, statement, values)
        return together(self, asked)

    with (
        patch.object(psycopg.Cursor, "execute", execute),
        patch.object(Statements, "execute", execute_alone),
        patch.object(Statements, "together", execute_together),
    ):
        yield
