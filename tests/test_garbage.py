"""The collector's threshold is the usual one again when nobody needs another, in whatever order they end."""

import gc

from backend.garbage import MANY, rarely_searched


def test_of_two_that_overlap_the_last_to_end_brings_the_usual_back():
    usual = gc.get_threshold()
    first, second = rarely_searched(), rarely_searched()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == MANY
    second.__exit__(None, None, None)
    assert gc.get_threshold() == usual
