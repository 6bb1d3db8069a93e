"""A file's rows in memory, packed, so that a file of millions can be put in order: 230 bytes a row at most."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from backend.actions.events import Event
from backend.actions.ingest.times import instant_of

NONE = -(2**63)
"""Stands for an absent number in a packed column."""
Page = list[tuple[int, Event]]
"""Line in the file, and event."""
Same = Mapping[str, str]
"""Of residents with several subjects: each subject → the one that stands for all of them."""
AT_ONCE = 100
"""Rows that are packed together, column by column."""


class Row(NamedTuple):
    """One readable row; instants are in microseconds since 1970 UTC."""

    line: int
    external_id: str
    subject: str
    task: str
    started: int
    ended: int | None
    quantity_milli: int | None
    unit: str | None


class Sheet:
    """Rows, column by column; subjects, tasks and units are kept once each."""

    def __init__(self) -> None:
        self._lines = array("Q")
        self._started = array("q")
        self._ended = array("q")
        self._quantities = array("q")
        self._external_ids: list[str] = []
        self._subjects: list[str] = []
        self._tasks: list[str] = []
        self._units: list[str | None] = []
        self._once: dict[str | None, str | None] = {None: None}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, rows: Iterable[Row]) -> None:
        """Take in rows, as they come."""
        coming = iter(rows)
        while together := list(islice(coming, AT_ONCE)):
            self._pack(together)

    def _pack(self, rows: Iterable[Row]) -> None:
        lines, external_ids, subjects, tasks, started, ended, quantities, units = zip(*rows, strict=True)
        once: Any = self._once.setdefault
        self._lines.extend(lines)
        self._started.extend(started)
        self._ended.extend([NONE if instant is None else instant for instant in ended])
        self._quantities.extend([NONE if quantity is None else quantity for quantity in quantities])
        self._external_ids.extend(external_ids)
        self._subjects.extend(map(once, subjects, subjects))
        self._tasks.extend(map(once, tasks, tasks))
        self._units.extend(map(once, units, units))

    def rows(self) -> Iterator[Row]:
        """All rows, in the order in which they were taken in."""
        for place, line in enumerate(self._lines):
            ended, quantity = self._ended[place], self._quantities[place]
            yield Row(
                line,
                self._external_ids[place],
                self._subjects[place],
                self._tasks[place],
                self._started[place],
                None if ended == NONE else ended,
                None if quantity == NONE else quantity,
                self._units[place],
            )

    def pages(self, size: int, *, same: Same) -> Iterator[Page]:
        """The rows in the order in which they are to be credited, so many at a time.

        Each resident's rows come together, in order of when they began, then of their place in the file. The rules
        look at one resident at a time, so only the order of each one's own rows matters; and a resident's rows
        together touch the wallet once. Where an external id stands twice the first of all must win: then all rows
        come in order of time.
        """
        order = self._in_order(same)
        for first in range(0, len(order), size):
            yield [(self._lines[place], self._event(place)) for place in order[first : first + size]]

    def _in_order(self, same: Same) -> Sequence[int]:
        order = sorted(range(len(self)), key=self._lines.__getitem__)
        order.sort(key=self._started.__getitem__)
        if len(set(self._external_ids)) == len(self):
            owners = [same.get(subject, subject) for subject in self._subjects]
            order.sort(key=owners.__getitem__)
        return array("Q", order)

    def _event(self, place: int) -> Event:
        ended, quantity = self._ended[place], self._quantities[place]
        return Event(
            self._external_ids[place],
            self._subjects[place],
            self._tasks[place],
            instant_of(self._started[place]),
            None if ended == NONE else instant_of(ended),
            None if quantity == NONE else quantity,
            self._units[place],
        )
