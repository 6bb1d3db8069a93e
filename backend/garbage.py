"""Python's search for reference cycles, made rare where it would only cost time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 500_000
"""Objects that a page of events makes before it drops them all; the default is to search after 700."""


@contextmanager
def rarely_searched() -> Iterator[None]:
    """For work that makes many thousand small objects without cycles: reference counts free them all.

    Searching them again and again took 40 % of a page of partner events.
    """
    usual = gc.get_threshold()
    gc.set_threshold(MANY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
