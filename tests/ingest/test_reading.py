"""Quantities as files write them."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.actions.claim import milli
from backend.actions.ingest.errors import BrokenRowError
from backend.actions.ingest.reading import _quantity


@given(st.from_regex(r"\A[+-]?[0-9]{0,12}(\.[0-9]{0,6})?(e[0-9])?\Z"))
@example("9999999999.9999")
@example("10000000000")
@example("007.0009")
@example("5.")
@example(".5")
def test_the_short_way_for_plain_numbers_gives_what_a_decimal_gives(text):
    try:
        expected = milli(Decimal(text))
    except (ValueError, ArithmeticError):
        with pytest.raises(BrokenRowError):
            _quantity(text)
    else:
        assert _quantity(text) == expected


@pytest.mark.parametrize("text", ["1.2.3", "1,5", "٣.٤x", "NaN", "1e400", "--1"])
def test_what_is_no_number_is_a_broken_row(text):
    with pytest.raises(BrokenRowError, match="not a number"):
        _quantity(text)
