"""How far the projector is behind: looks at the outbox while rows come and go."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from backend.database import array
from backend.waiting import Front
from tests.benchmarks.bench_site import BenchSite
from tests.benchmarks.load import LoadError

_EVERY_S = 0.02
_PATIENCE_S = 60.0
# From where a projector would begin. Each look would else pass over all rows that were projected since the table was
# last vacuumed.
_SEEN = """
SELECT clock_timestamp(), max(newest.id), min(oldest.id)
FROM unnest(%s::bigint[]) WITH ORDINALITY AS from_here (above, place),
LATERAL (SELECT id FROM outbox o WHERE o.partition = place - 1 AND o.id > above ORDER BY id LIMIT 1) AS oldest,
LATERAL (SELECT id FROM outbox o WHERE o.partition = place - 1 AND o.id > above ORDER BY id DESC LIMIT 1) AS newest
"""


@dataclass
class Looks:
    """How many looks found an empty outbox; of each other one the age of the oldest row that waited, in seconds.

    Those before the first row and after the last one do not count: nothing had been asked for yet, or no more.
    """

    empty: int = 0
    ages: list[float] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew."""
        self.empty = 0
        self.ages.clear()

    def lag(self, part: float) -> float:
        """The lag that this part of all looks did not exceed; an empty outbox is a lag of 0."""
        return _quantile([0.0] * self.empty + self.ages, part)

    def lag_of_waiting(self, part: float) -> float:
        """The same of only the looks that found something."""
        return _quantile(self.ages, part)


@contextmanager
def watching(site: BenchSite) -> Iterator[Looks]:
    """Looks at the outbox while the block runs."""
    looks = Looks()
    over = Event()

    def watch() -> None:
        appeared: deque[tuple[int, float]] = deque()
        front, quiet = Front(), 0
        with site.connect() as connection, connection.cursor() as cursor:
            while not over.wait(_EVERY_S):
                front.look(cursor)
                now, newest, oldest = cursor.execute(_SEEN, (array(front.above),)).fetchone()
                if newest is None:
                    appeared.clear()
                    quiet += 1
                    continue
                if looks.ages:
                    looks.empty += quiet
                quiet = 0
                if not appeared or newest > appeared[-1][0]:
                    appeared.append((newest, now.timestamp()))
                # The oldest that waits came with the first look that saw a number as high as its own.
                while appeared[0][0] < oldest:
                    appeared.popleft()
                looks.ages.append(now.timestamp() - appeared[0][1])

    thread = Thread(target=watch)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()


def wait_until_drained(site: BenchSite) -> None:
    """Return when nothing waits to be projected; raises LoadError if that takes too long."""
    deadline = time.monotonic() + _PATIENCE_S
    front = Front()
    with site.connect() as connection, connection.cursor() as cursor:
        while front.look(cursor):
            if time.monotonic() > deadline:
                raise LoadError(f"The outbox was not empty {_PATIENCE_S:.0f} s after the load.")
            time.sleep(_EVERY_S)


def _quantile(values: list[float], part: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
