"""One after the other: for who has lost a round of compare and set on a wallet."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.database.statements import Statements

_LOCK = "SELECT 1 FROM wallets WHERE resident_id = %(resident_id)s FOR NO KEY UPDATE"


@contextmanager
def in_turn(statements: Statements, resident_id: int) -> Iterator[None]:
    """A transaction in which nobody else moves this resident's books, by `prepared_statements`.

    Whoever asks waits for those before; raises psycopg.errors.LockNotAvailable after `lock_timeout`. The lock has a
    statement of its own: what is read after it is what the one before has left.
    """
    with turn(statements, resident_id):
        yield
        statements.execute("COMMIT")


@contextmanager
def turn(statements: Statements, resident_id: int) -> Iterator[None]:
    """`in_turn` without its COMMIT: whoever asks sends one with the last statements, in the same round trip.

    An error takes everything back.
    """
    with statements.taken_back_on_error():
        statements.together([("BEGIN", ()), (_LOCK, {"resident_id": resident_id})])
        yield
