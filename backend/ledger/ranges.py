"""Ranges of residents, for jobs that go through the actions of all of them with flat memory."""

from typing import NamedTuple

from backend.database import autocommit_cursor
from backend.database.abreast import Cursor

FIRST, LAST = -(2**62), 2**62
"""Beyond every id: the outer ranges also hold rows of residents that there are not."""

_SIZE = "SELECT coalesce(max(resident_id), 0), coalesce(sum(action_seq), 0)::bigint FROM wallets"


class Range(NamedTuple):
    """First and last id, both included."""

    first: int
    last: int


def by_actions(at_once: int, *, workers: int) -> list[Range]:
    """All residents in ranges of up to some `at_once` actions; as many for each worker, so that none gets the last."""
    with autocommit_cursor() as cursor:
        last, actions = size(cursor)
    return cut(last, parts=max(1, -(-actions // (at_once * workers))) * workers)


def size(cursor: Cursor) -> tuple[int, int]:
    """The largest id of a resident, and how many actions there are."""
    last, actions = cursor.execute(_SIZE).fetchone() or (0, 0)
    return last, actions


def cut(last: int, *, parts: int) -> list[Range]:
    """All residents in ranges of as many ids, up to `last`; fewer than `parts` where there are fewer ids."""
    ends = sorted({last * place // parts for place in range(1, parts)})
    return [Range(*both) for both in zip([FIRST, *(end + 1 for end in ends)], [*ends, LAST], strict=True)]
