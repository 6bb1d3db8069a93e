"""From a file's records to rows: what cannot be read is named with its line, the rest goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import InvalidOperation

from backend.actions.claim import milli
from backend.actions.events import BrokenEventError, name_of
from backend.actions.ingest.errors import BrokenRowError, UnreadableFileError
from backend.actions.ingest.mapping import Mapping, Wanted, mapping_of
from backend.actions.ingest.records import records
from backend.actions.ingest.sheet import Row, Sheet
from backend.actions.ingest.times import Clockwork

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


def read_sheet(lines: Iterable[str], recipe: Recipe, *, broken: Callable[[int, str], None]) -> Sheet:
    """All readable rows of a file; each other row is told to `broken` as (line, what is wrong with it).

    Raises UnreadableFileError where there is no header, or a column is missing.
    """
    coming = records(lines, delimiter=recipe.delimiter)
    _, header = next(coming, (0, None))
    if header is None:
        raise UnreadableFileError("The file is empty, or its first line is no header with the names of columns.")
    reader = _RowReader(mapping_of(header, recipe.wanted), recipe)
    sheet = Sheet()
    for line, cells in coming:
        try:
            sheet.add(reader.row(line, cells))
        except (BrokenRowError, BrokenEventError) as error:
            broken(line, str(error))
    return sheet


class _RowReader:
    def __init__(self, mapping: Mapping, recipe: Recipe) -> None:
        places = mapping.places
        self._width = mapping.width
        self._identity = mapping.identity
        self._subject, self._started = places["subject"], places["started_at"]
        self._ended, self._quantity = places.get("ended_at"), places.get("quantity")
        self._task = None if recipe.task else places.get("task")
        self._unit = None if recipe.unit else places.get("unit")
        self._one_task = recipe.task or recipe.only_task
        self._one_unit = recipe.unit
        self._micros = recipe.clockwork.micros

    def row(self, line: int, cells: list[str] | None) -> Row:
        if cells is None:
            raise BrokenRowError("a quote is opened and never closed")
        if len(cells) != self._width:
            raise BrokenRowError(f"{len(cells)} columns instead of {self._width}")
        ended = "" if self._ended is None else cells[self._ended]
        quantity = "" if self._quantity is None else cells[self._quantity]
        return Row(
            line,
            name_of(":".join([cells[place] for place in self._identity]), "external_id"),
            name_of(cells[self._subject], "subject"),
            name_of(self._one_task if self._task is None else cells[self._task], "task"),
            self._micros(cells[self._started]),
            self._micros(ended) if ended else None,
            _quantity(quantity) if quantity else None,
            self._one_unit if self._unit is None else cells[self._unit] or None,
        )


def _quantity(text: str) -> int:
    whole, _, part = text.partition(".")
    if text.isascii() and whole.isdecimal() and len(whole) <= MOST_DIGITS and (part.isdecimal() or not part):
        # As nearly all files write numbers; a decimal takes ten times as long.
        return int(f"{whole}{part[:3]:0<3}")
    try:
        return milli(text)
    except (ValueError, InvalidOperation) as error:
        raise BrokenRowError(f"{text[:40]!r} is not a number of a sensible size") from error


def counted(lines: Iterable[str], *, every: int, tell: Callable[[], None]) -> Iterator[str]:
    """The same lines; tells somebody each time so many have gone by."""
    for number, line in enumerate(lines):
        if number % every == 0:
            tell()
        yield line
