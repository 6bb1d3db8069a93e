"""Ranges of residents: together they are everybody, and nobody stands in two."""

import pytest
from sqlalchemy import text

from backend.database import db, transaction
from backend.ledger import ranges


@pytest.mark.parametrize(
    ("last", "parts", "ends"), [(0, 1, []), (0, 4, [0]), (3, 4, [0, 1, 2]), (10, 3, [3, 6]), (10, 1, [])]
)
def test_the_ids_are_cut_into_ranges_without_a_gap(last, parts, ends):
    cut = ranges.cut(last, parts=parts)
    assert [part.last for part in cut] == [*ends, ranges.LAST]
    assert [part.first for part in cut] == [ranges.FIRST, *(end + 1 for end in ends)]


@pytest.mark.parametrize(("at_once", "workers", "count"), [(2, 1, 2), (1, 1, 3), (2, 2, 2), (1, 2, 4), (3, 1, 1)])
def test_a_range_has_some_actions_and_each_worker_as_many_ranges(app, new_resident, at_once, workers, count):
    for number in range(3):
        new_resident(f"r{number}")
    with transaction():
        db.session.execute(text("UPDATE wallets SET action_seq = 1"))
    assert len(ranges.by_actions(at_once, workers=workers)) == count
