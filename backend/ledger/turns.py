"""One after the other: for who has lost a round of compare and set on a wallet."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

_LOCK = "SELECT 1 FROM wallets WHERE resident_id = %(resident_id)s FOR NO KEY UPDATE"


@contextmanager
def in_turn(cursor: psycopg.Cursor[Any], resident_id: int) -> Iterator[None]:
    """A transaction in which nobody else moves this resident's books, on a cursor of `prepared_statements`.

    Whoever asks waits for those before; raises psycopg.errors.LockNotAvailable after `lock_timeout`. The lock has a
    statement of its own: what is read after it is what the one before has left.
    """
    with cursor.connection.transaction():
        cursor.execute(_LOCK, {"resident_id": resident_id})
        yield
