"""A file's rows in memory, packed, so that a file of millions can be put in order: 260 bytes a row at most."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from backend.actions.events import Event
from backend.actions.ingest.times import instant_of

NONE = -(2**63)
"""Stands for an absent number in a packed column."""
Lane = Sequence[int]
"""Places of rows in the sheet, in the order in which they are to be credited."""
Page = list[tuple[int, Event]]
"""Line in the file, and event."""


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

    def add(self, row: Row) -> None:
        """Take in one row."""
        line, external_id, subject, task, started, ended, quantity_milli, unit = row
        self._lines.append(line)
        self._started.append(started)
        self._ended.append(NONE if ended is None else ended)
        self._quantities.append(NONE if quantity_milli is None else quantity_milli)
        self._external_ids.append(external_id)
        once = self._once.setdefault
        self._subjects.append(once(subject, subject))  # type: ignore[arg-type]  # text stays text
        self._tasks.append(once(task, task))  # type: ignore[arg-type]  # text stays text
        self._units.append(once(unit, unit))

    def lanes(self, count: int, *, same: Mapping[str, str]) -> Sequence[Lane]:
        """All rows in lanes that may be credited side by side: each resident's rows are in one lane, in order of
        when they began, then of their place in the file.

        The rules look at one resident at a time, so only the order of each one's own rows matters; and a resident's
        rows together touch the wallet once. `same` gives for each subject of a resident with several the one that
        stands for all. Where an external id stands twice in the file the first of all must win: then there is one
        lane, in order of time.
        """
        order = sorted(range(len(self)), key=self._started.__getitem__)
        if len(set(self._external_ids)) < len(self):
            return [array("Q", order)]
        owners = [same.get(subject, subject) for subject in self._subjects]
        order.sort(key=owners.__getitem__)
        lanes = [array("Q") for _ in range(count)]
        for place in order:
            lanes[crc32(owners[place].encode()) % count].append(place)
        return lanes

    def pages(self, lane: Lane, size: int) -> Iterator[Page]:
        """The rows of a lane, so many at a time."""
        for first in range(0, len(lane), size):
            yield [(self._lines[place], self._event(place)) for place in lane[first : first + size]]

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
