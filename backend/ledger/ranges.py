"""Ranges of residents, for jobs that go through the actions of all of them with flat memory."""

from backend.database import autocommit_cursor

FIRST, LAST = -(2**62), 2**62
"""Beyond every id: the outer ranges also hold rows of residents that there are not."""

_SIZE = "SELECT coalesce(max(resident_id), 0), coalesce(sum(action_seq), 0)::bigint FROM wallets"

Range = tuple[int, int]
"""First and last id, both included."""


def by_actions(at_once: int, *, workers: int) -> list[Range]:
    """All residents in ranges of up to some `at_once` actions; as many for each worker, so that none gets the last."""
    with autocommit_cursor() as cursor:
        last, actions = cursor.execute(_SIZE).fetchone() or (0, 0)
    count = max(1, -(-actions // (at_once * workers))) * workers
    ends = sorted({last * place // count for place in range(1, count)})
    return list(zip([FIRST, *(end + 1 for end in ends)], [*ends, LAST], strict=True))
