"""A file's rows in memory, packed, so that a file of millions can be put in order: 230 bytes a row at most."""

from array import array
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from typing import Any, NamedTuple

from backend.actions.events import Event
from backend.actions.ingest.times import instant_of

NONE = -(2**63)
"""Stands for an absent number in a packed column."""
Same = Mapping[str, str]
"""Of residents with several subjects: each subject → the one that stands for all of them."""


class Columns(NamedTuple):
    """Readable rows, column by column; instants are in microseconds since 1970 UTC, NONE for what a row has not."""

    lines: Sequence[int]
    external_ids: Sequence[str]
    subjects: Sequence[str]
    tasks: Sequence[str]
    started: Sequence[int]
    ended: Sequence[int]
    quantities_milli: Sequence[int]
    units: Sequence[str | None]


class Page(NamedTuple):
    """Rows that are credited together: each one's line in the file, and its event."""

    lines: list[int]
    events: list[Event]


class Sheet:
    """Rows, column by column; subjects, tasks and units are kept once each."""

    def __init__(self) -> None:
        self.columns = Columns(array("q"), [], [], [], array("q"), array("q"), array("q"), [])
        """All rows, in the order in which they were taken in."""
        self._once: dict[str | None, str | None] = {None: None}

    def __len__(self) -> int:
        return len(self.columns.lines)

    def add(self, rows: Columns) -> None:
        """Take in rows, as they come."""
        once: Any = self._once.setdefault
        kept = rows._replace(
            subjects=list(map(once, rows.subjects, rows.subjects)),
            tasks=list(map(once, rows.tasks, rows.tasks)),
            units=list(map(once, rows.units, rows.units)),
        )
        ours: MutableSequence[Any]
        for ours, theirs in zip(self.columns, kept, strict=True):  # type: ignore[assignment]  # each is an array or list
            ours.extend(theirs)

    def pages(self, size: int, *, same: Same) -> Iterator[Page]:
        """The rows in the order in which they are to be credited, so many at a time.

        Each resident's rows come together, in order of when they began, then of their place in the file. The rules
        look at one resident at a time, so only the order of each one's own rows matters; and a resident's rows
        together touch the wallet once. Where an external id stands twice the first of all must win: then all rows
        come in order of time.
        """
        order = self._in_order(same)
        for first in range(0, len(order), size):
            yield self._page(order[first : first + size])

    def _in_order(self, same: Same) -> Sequence[int]:
        rows = self.columns
        order = sorted(range(len(self)), key=rows.lines.__getitem__)
        order.sort(key=rows.started.__getitem__)
        if len(set(rows.external_ids)) == len(self):
            owners = [same.get(subject, subject) for subject in rows.subjects]
            order.sort(key=owners.__getitem__)
        return array("Q", order)

    def _page(self, places: Sequence[int]) -> Page:
        rows = Columns._make([column[place] for place in places] for column in self.columns)
        events = map(
            Event,
            rows.external_ids,
            rows.subjects,
            rows.tasks,
            map(instant_of, rows.started),
            [None if micros == NONE else instant_of(micros) for micros in rows.ended],
            [None if quantity == NONE else quantity for quantity in rows.quantities_milli],
            rows.units,
        )
        return Page(list(rows.lines), list(events))
