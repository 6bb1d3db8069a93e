"""Crediting in parts what cannot be credited at once: an event that PostgreSQL refuses costs no other.

Rules refuse all that they foresee. This is for what nobody foresaw, such as a wallet whose numbers do not fit its
actions: its resident's events would otherwise fail each page that they are in, and a partner sends a page until it is
taken.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError

from backend.database.connections import unwrapped

T = TypeVar("T")
MOST_REFUSED = 20
"""Events that may be refused so. If it is more, something is wrong with all of them, and going on would only take long.
"""
_OF_AN_EVENT = frozenset({"22", "23", "P0"})
"""Classes of SQLSTATE: a value that does not fit, a constraint, an error that a trigger raises."""


def cause_of(error: psycopg.Error | DBAPIError) -> psycopg.Error | None:
    """What PostgreSQL said, if it may be the affair of one event, and others could be credited without it."""
    cause = unwrapped(error)
    if isinstance(cause, psycopg.Error) and (cause.sqlstate or "")[:2] in _OF_AN_EVENT:
        return cause
    return None


def credit_in_parts(
    places: Sequence[int],
    credit: Callable[[Sequence[int]], Sequence[T]],
    *,
    refuse: Callable[[int, psycopg.Error], T],
) -> dict[int, T]:
    """What became of the event at each of these places.

    `credit` is given some of the places, in their order, and credits all of their events or raises; `refuse` is asked
    for the result of each that cannot be credited alone either. Raises what `credit` raises where that is no event's
    affair, or of more than MOST_REFUSED events.
    """
    results: dict[int, T] = {}
    refused = 0
    parts = _halves(places) or [places]
    while parts:
        part = parts.pop()
        try:
            results.update(zip(part, credit(part), strict=True))
        except (psycopg.Error, DBAPIError) as error:
            cause = cause_of(error)
            if cause is None or refused == MOST_REFUSED:
                raise
            if len(part) == 1:
                results[part[0]] = refuse(part[0], cause)
                refused += 1
            parts += _halves(part)
    return results


def _halves(part: Sequence[T]) -> list[Sequence[T]]:
    """The later and the earlier half, of which the earlier is taken next; of one event none."""
    middle = len(part) // 2
    return [part[middle:], part[:middle]] if middle else []
