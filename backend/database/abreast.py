"""Jobs side by side on several connections, their results in order, never more than a few waiting to be taken."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

import psycopg

Cursor = psycopg.Cursor[Any]
Result = TypeVar("Result")
AHEAD = 4
"""Jobs a cursor that are begun or waiting before the first result is taken: a long one must not keep others idle."""


def cores() -> int:
    """How many processors this process may use: a container may be given fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(cursors: Sequence[Cursor], jobs: Iterable[Callable[[Cursor], Result]]) -> Iterator[Result]:
    """The results of all jobs in their order, as many at once as there are cursors; each has one for itself.

    With one cursor they are done one after the other, by whoever asks.
    """
    if len(cursors) == 1:
        yield from (job(cursors[0]) for job in jobs)
        return
    idle: SimpleQueue[Cursor] = SimpleQueue()
    for cursor in cursors:
        idle.put(cursor)

    def run(job: Callable[[Cursor], Result]) -> Result:
        cursor = idle.get()
        try:
            return job(cursor)
        finally:
            idle.put(cursor)

    rest, most = iter(jobs), AHEAD * len(cursors)
    waiting: list[Future[Result]] = []
    with ThreadPoolExecutor(len(cursors)) as pool:
        try:
            while True:
                waiting += [pool.submit(run, job) for job in islice(rest, most - len(waiting))]
                if not waiting:
                    return
                yield waiting.pop(0).result()
        finally:
            # Whoever stops asking waits for those that are at work, not for those that were to come.
            for future in waiting:
                future.cancel()
