"""What can be a public id, and what cannot."""

import pytest

from backend.errors import NotFoundError
from backend.web import public_ids


@pytest.mark.parametrize("parts", [(1, 1), (1024, 2**31 - 1), (2**63 - 1, 0)])
def test_an_id_says_whose_it_is_and_which(parts):
    assert public_ids.parse(public_ids.text(*parts)) == parts


def test_what_is_numbered_over_all_residents_may_be_larger():
    assert public_ids.parse("7-9223372036854775807", most=public_ids.LARGEST_BIGINT) == (7, 2**63 - 1)


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ("7-2147483648", 2**31 - 1),
        ("7-9223372036854775808", 2**63 - 1),
        ("9223372036854775808-1", 2**31 - 1),
        *[(given, 2**31 - 1) for given in ("", "7", "7-", "-7", "7-1-1", "x-1", "²-1", "٧-1", " 7-1", "7-1\n", "+7-1")],
        ("7-" + "0" * 19 + "1", 2**31 - 1),
        ("9" * 5000 + "-1", 2**31 - 1),
    ],
)
def test_what_none_can_be_is_not_found(given, most):
    with pytest.raises(NotFoundError):
        public_ids.parse(given, most=most)
