"""Quantities as files write them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.actions.claim import milli
from backend.actions.ingest.errors import BrokenRowError
from backend.actions.ingest.reading import _quantities

QUANTITIES = st.from_regex(r"\A[+-]?[0-9]{0,12}(\.[0-9]{0,6})?(e[0-9])?\Z").filter(bool)


@given(st.lists(QUANTITIES, min_size=1, max_size=3))
@example(["9999999999.9999", "1"])
@example(["9999999999", "10000000000"])
@example(["007.0009", "007"])
@example(["5.", ".5"])
def test_the_short_ways_for_plain_numbers_give_what_the_long_one_gives(texts):
    try:
        expected = [milli(text) for text in texts]
    except ValueError:
        with pytest.raises(BrokenRowError):
            _quantities(texts)
    else:
        assert _quantities(texts) == expected


@pytest.mark.parametrize("text", ["1.2.3", "1,5", "٣.٤x", "NaN", "1e400", "--1"])
def test_what_is_no_number_is_a_broken_row(text):
    with pytest.raises(BrokenRowError, match="not a number"):
        _quantities(["12", text])
