"""Python's search for reference cycles, made rare where it would only cost time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

MANY = 500_000
"""Objects that a page of events makes before it drops them all; the default is to search after 700."""


class _Pages:
    """How many are at work in this process, and the threshold of when there was none."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.at_work = 0
        self.usual = gc.get_threshold()


_pages = _Pages()


@contextmanager
def rarely_searched() -> Iterator[None]:
    """For work that makes many thousand small objects without cycles: reference counts free them all.

    Searching them again and again took 40 % of a page of partner events. The threshold is the whole process's: it is
    the usual one again when the last of those that work at the same time is done.
    """
    with _pages.lock:
        if not _pages.at_work:
            _pages.usual = gc.get_threshold()
            gc.set_threshold(MANY, *_pages.usual[1:])
        _pages.at_work += 1
    try:
        yield
    finally:
        with _pages.lock:
            _pages.at_work -= 1
            if not _pages.at_work:
                gc.set_threshold(*_pages.usual)
