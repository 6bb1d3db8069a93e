"""Chores: jobs that may take long. One at a time, so that of two worker processes one is always free to project."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog

from backend.database import advisory, autocommit_cursor, cursor, transaction
from backend.database.connections import is_held, is_unavailable

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item", bound=tuple[int, object])
PAGE = 200
"""Rows, or residents, that one transaction of a chore takes."""
MOST_FAILED = 1_000
"""Failures of a run that may each be one resident's affair. If it is more, something is wrong with all of them."""
HELD_MS = 200
"""Once a run has waited in vain for what somebody else holds, it waits no longer than this: others wait for it."""
MOST_HELD = 100
"""So often it goes on all the same. If it is more, it is not single residents who are held."""

_log = structlog.get_logger()
_TRY = "SELECT pg_try_advisory_xact_lock(%s)"
_HASTE = f"SET LOCAL lock_timeout = {HELD_MS}"


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other chore runs, anywhere, until the end of the block."""
    with autocommit_cursor() as cursor, cursor.connection.transaction():
        row = cursor.execute(_TRY, (advisory.CHORE,)).fetchone()
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
    """Take each of several steps `in_pages`; returns how much each did in all.

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


def what_passes(error: BaseException) -> BaseException | None:
    """The error, or the first one in a group, that tells of PostgreSQL's state; None: repeating would be no help."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := what_passes(each)) is not None), None)
    return error if is_unavailable(error) else None


class AllButBad(Generic[Item, Key]):
    """One run of a chore over things of many residents: what cannot be done of one costs no other.

    `key`: what is passed over from then on for each thing that failed. A thing begins with its resident's number.
    """

    def __init__(self, work: str, *, key: Callable[[Item], Key]) -> None:
        self._work, self._key = work, key
        self._failed: dict[Key, Exception] = {}
        self._held = 0

    @property
    def bad(self) -> set[Key]:
        """What is passed over."""
        return set(self._failed)

    def do(self, things: Sequence[Item], step: Callable[[Sequence[Item]], T]) -> list[T]:
        """Have `step` do all of these in one transaction, or, where that fails, their halves, down to the single one.

        Gives what it gave, each time. Raises at once what fails of too many, and what tells of PostgreSQL's state, but
        for a row that somebody else holds: that is one resident's affair.
        """
        todo = [thing for thing in things if self._key(thing) not in self._failed]
        if not todo:
            return []
        try:
            with transaction():
                if self._held:
                    cursor().execute(_HASTE)
                return [step(todo)]
        except Exception as error:
            self._held += is_held(error)
            if is_unavailable(error) and not (is_held(error) and self._held <= MOST_HELD):
                raise
            if len(todo) == 1:
                self._pass_over(todo[0], error)
                return []
        middle = len(todo) // 2
        return self.do(todo[:middle], step) + self.do(todo[middle:], step)

    def end(self) -> None:
        """All that can be done is done: raise what failed, if anything did."""
        if self._failed:
            raise ExceptionGroup(f"{self._work}: all others are done", list(self._failed.values()))

    def _pass_over(self, thing: Item, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        _log.error("passed over", work=self._work, resident_id=thing[0], error=said)
        error.add_note(f"of resident {thing[0]}")
        self._failed[self._key(thing)] = error
        if len(self._failed) > MOST_FAILED:
            raise ExceptionGroup(f"{self._work}: too much fails", list(self._failed.values()))
