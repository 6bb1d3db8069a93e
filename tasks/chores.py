"""Chores: jobs that may take long. One at a time, so that of two worker processes one is always free to project."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from backend.database import autocommit_cursor, transaction

LOCK = 7003
PAGE = 200
"""Rows, or residents, that one transaction of a chore takes."""

_TRY = "SELECT pg_try_advisory_xact_lock(%s)"


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other chore runs, anywhere, until the end of the block."""
    with autocommit_cursor() as cursor, cursor.connection.transaction():
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


def all_in_pages(steps: Mapping[str, Callable[[int], int]]) -> dict[str, int]:
    """The same for each of several steps; returns how much of each.

    One that fails keeps none of the others from its turn: what failed is raised when all have had theirs.
    """
    done: dict[str, int] = {}
    failed: list[Exception] = []
    for name, step in steps.items():
        try:
            done[name] = in_pages(step)
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised below
            error.add_note(f"at the step {name}")
            failed.append(error)
    if failed:
        raise ExceptionGroup("the other steps are done", failed)
    return done
