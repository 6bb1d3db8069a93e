"""From a file's records to rows: what cannot be read is named with its line, the rest goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import InvalidOperation
from functools import lru_cache, partial
from hashlib import blake2b
from operator import itemgetter

from backend.actions.claim import milli
from backend.actions.events import name_of
from backend.actions.ingest.errors import BrokenRowError, UnreadableFileError
from backend.actions.ingest.mapping import Mapping, Wanted, mapping_of
from backend.actions.ingest.records import Record, records
from backend.actions.ingest.sheet import Row
from backend.actions.ingest.times import Clockwork

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
        self._task_name = lru_cache(partial(name_of, field="task"))

    def names(self, cells: list[str] | None) -> tuple[str, str] | None:
        """External id and subject as a record has them, unchecked; None where it has not the columns of the header."""
        if cells is None or len(cells) != self._width:
            return None
        return self._external_id(cells), cells[self._subject]

    def row(self, line: int, cells: list[str] | None) -> Row:
        """The row that a record is; raises BrokenRowError or BrokenEventError, with what is wrong with it."""
        if cells is None:
            raise BrokenRowError("a quote is opened and never closed")
        if len(cells) != self._width:
            raise BrokenRowError(f"{len(cells)} columns instead of {self._width}")
        ended = "" if self._ended is None else cells[self._ended]
        quantity = "" if self._quantity is None else cells[self._quantity]
        return Row(
            line,
            name_of(self._external_id(cells), "external_id"),
            name_of(cells[self._subject], "subject"),
            self._task_name(self._one_task if self._task is None else cells[self._task]),
            self._micros(cells[self._started]),
            self._micros(ended) if ended else None,
            _quantity(quantity) if quantity else None,
            self._one_unit if self._unit is None else cells[self._unit] or None,
        )


def _identified(mapping: Mapping) -> Callable[[list[str]], str]:
    places = mapping.identity
    if mapping.places["subject"] in places:
        # An id outlasts the account: whoever has left must not be found by it.
        return lambda cells: _digest(_SEPARATOR.join([cells[place] for place in places]))
    return itemgetter(*places) if len(places) == 1 else lambda cells: ":".join([cells[place] for place in places])


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _quantity(text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= MOST_DIGITS:
        return int(text) * 1000
    whole, _, part = text.partition(".")
    if text.isascii() and whole.isdecimal() and len(whole) <= MOST_DIGITS and (part.isdecimal() or not part):
        # As nearly all files write numbers; a decimal takes ten times as long.
        return int(f"{whole}{part[:3]:0<3}")
    try:
        return milli(text)
    except (ValueError, InvalidOperation) as error:
        raise BrokenRowError(f"{text[:40]!r} is not a number of a sensible size") from error
