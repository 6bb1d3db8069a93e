"""Residents by the partitions whose projectors write of them."""

from backend.outbox import PARTITIONS, by_partition


def test_residents_come_by_partition_and_no_more_at_once_than_asked():
    two, three, none, five = ([place + PARTITIONS * step for step in range(n)] for place, n in enumerate((2, 3, 0, 5)))
    found = list(by_partition(sorted(two + three + none + five), at_once=2))
    assert found == [(0, two), (1, three[:2]), (1, three[2:]), (3, five[:2]), (3, five[2:4]), (3, five[4:])]
    assert list(by_partition([], at_once=2)) == []
