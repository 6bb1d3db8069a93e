"""Chores: jobs that may take long. One at a time, so that of two worker processes one is always free to project."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.database import statements, transaction

LOCK = 7003
PAGE = 200
"""Rows, or residents, that one transaction of a chore takes."""

_TRY = "SELECT pg_try_advisory_xact_lock(%s)"


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other chore runs, anywhere, until the end of the block."""
    with statements() as cursor, cursor.connection.transaction():
        row = cursor.execute(_TRY, (LOCK,)).fetchone()
        yield bool(row and row[0])


def in_pages(step: Callable[[int], int]) -> int:
    """Call `step(PAGE)`, each time in its own transaction, until it does less than a page; returns how much in all."""
    total = 0
    while True:
        with transaction():
            done = step(PAGE)
        total += done
        if done < PAGE:
            return total
