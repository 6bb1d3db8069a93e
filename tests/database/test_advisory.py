"""The numbers of advisory locks."""

from backend.database import advisory


def test_no_number_stands_for_two_locks():
    numbers = [number for name, number in vars(advisory).items() if name.isupper()]
    assert len(numbers) == len(set(numbers)) > 3
