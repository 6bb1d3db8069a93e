"""From a file's records to rows: what cannot be read is named with its line, the rest goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

from backend.actions.claim import milli
from backend.actions.events import LONGEST, name_of
from backend.actions.ingest.errors import BrokenRowError, UnreadableFileError
from backend.actions.ingest.mapping import Mapping, Wanted, mapping_of
from backend.actions.ingest.records import Record, records
from backend.actions.ingest.sheet import NONE, Columns
from backend.actions.ingest.times import Clockwork

WholeRecord = tuple[int, list[str]]
"""One that has the columns of the header: its line, and its cells."""
_SEPARATOR = "\x1f"
MOST_DIGITS = 10
"""Before the point, of what is surely below `claim.LARGEST`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one file is to be read."""

    wanted: Wanted
    delimiter: str
    task: str | None
    """The task of all rows, whatever a column says."""
    only_task: str | None
    """The task of all rows where no column says."""
    unit: str | None
    clockwork: Clockwork


def begun(lines: Iterable[str], recipe: Recipe) -> tuple["RowReader", Iterator[Record]]:
    """Read a file's header: what reads its rows, and its records, which are read as they are asked for.

    Raises UnreadableFileError where there is no header, or a column is missing.
    """
    coming = records(lines, delimiter=recipe.delimiter)
    _, header = next(coming, (0, None))
    if header is None:
        raise UnreadableFileError("The file is empty, or its first line is no header with the names of columns.")
    return RowReader(mapping_of(header, recipe.wanted), recipe), coming


class Hand(NamedTuple):
    """Some whole records, whose cells are put together column by column."""

    lines: Sequence[int]
    cells: Sequence[Sequence[str]]

    def one_by_one(self) -> Iterator["Hand"]:
        """Each record by itself."""
        for line, *cells in zip(self.lines, *self.cells, strict=True):
            yield hand_of([(line, cells)])


def hand_of(records: Sequence[WholeRecord]) -> Hand:
    """These records together; there must be one at least."""
    lines, cells = zip(*records, strict=True)
    return Hand(lines, list(zip(*cells, strict=True)))


class RowReader:
    """Makes rows of the records of one file."""

    def __init__(self, mapping: Mapping, recipe: Recipe) -> None:
        places = mapping.places
        self._width = mapping.width
        self._external_id = _identified(mapping)
        self._subject, self._started = places["subject"], places["started_at"]
        self._ended, self._quantity = places.get("ended_at"), places.get("quantity")
        self._task = None if recipe.task else places.get("task")
        self._unit = None if recipe.unit else places.get("unit")
        self._one_task = recipe.task or recipe.only_task or ""
        self._one_unit = recipe.unit
        self._micros = recipe.clockwork.micros

    def whole(self, records: Iterable[Record], *, broken: Callable[[int, str], None]) -> Iterator[WholeRecord]:
        """Those that have the columns of the header; `broken` hears the lines of the others, and why."""
        width = self._width
        for line, cells in records:
            if cells is None:
                broken(line, "a quote is opened and never closed")
            elif len(cells) != width:
                broken(line, f"{len(cells)} columns instead of {width}")
            else:
                yield line, cells

    def names(self, record: WholeRecord) -> tuple[str, str]:
        """External id and subject as a record has them, unchecked."""
        _, cells = record
        return self._external_id(cells), cells[self._subject]

    def columns(self, hand: Hand) -> Columns:
        """The rows that these records are; raises BrokenRowError or BrokenEventError, with what is wrong with one."""
        lines, cells = hand
        many = len(lines)
        return Columns(
            lines,
            _named(list(map(self._external_id, zip(*cells, strict=True))), "external_id"),
            _named(cells[self._subject], "subject"),
            _named([self._one_task] * many if self._task is None else cells[self._task], "task"),
            self._micros(cells[self._started]),
            [NONE] * many if self._ended is None else _where_given(cells[self._ended], self._micros),
            [NONE] * many if self._quantity is None else _where_given(cells[self._quantity], _quantities),
            [self._one_unit] * many if self._unit is None else [unit or None for unit in cells[self._unit]],
        )


def _identified(mapping: Mapping) -> Callable[[Sequence[str]], str]:
    places = mapping.identity
    if mapping.places["subject"] in places:
        # An id outlasts the account: whoever has left must not be found by it.
        return lambda cells: _digest(_SEPARATOR.join([cells[place] for place in places]))
    return itemgetter(*places) if len(places) == 1 else lambda cells: ":".join([cells[place] for place in places])


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _named(texts: Sequence[str], field: str) -> Sequence[str]:
    # All at once; only where one of them is wrong it matters which.
    if not all(texts) or len(max(texts, key=len)) > LONGEST or not "".join(texts).isprintable():
        for text in texts:
            name_of(text, field)
    return texts


def _where_given(texts: Sequence[str], numbers_of: Callable[[Sequence[str]], list[int]]) -> list[int]:
    if all(texts):
        return numbers_of(texts)
    return [numbers_of([text])[0] if text else NONE for text in texts]


def _quantities(texts: Sequence[str]) -> list[int]:
    joined = "".join(texts)
    if joined.isdecimal() and joined.isascii() and len(max(texts, key=len)) <= MOST_DIGITS:
        return [int(text) * 1000 for text in texts]
    return [_quantity(text) for text in texts]


def _quantity(text: str) -> int:
    whole, _, part = text.partition(".")
    if text.isascii() and whole.isdecimal() and len(whole) <= MOST_DIGITS and (part.isdecimal() or not part):
        # As nearly all files write numbers; a decimal takes ten times as long.
        return int(f"{whole}{part[:3]:0<3}")
    try:
        return milli(text)
    except ValueError as error:
        raise BrokenRowError(f"{text[:40]!r} is not a number of a sensible size") from error
