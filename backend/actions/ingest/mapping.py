"""Which column of a file is which field of an event: checked whole before a single row is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.actions.ingest.errors import UnreadableFileError

FIELDS = ("external_id", "subject", "task", "started_at", "ended_at", "quantity", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says about columns."""

    columns: dict[str, str]
    """Field → name of its column, where it is not called by the field's own name."""
    external_id_from: tuple[str, ...]
    """Fields or columns that together name a record, for files without an id of their own."""
    required: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Places of the fields in a row."""

    width: int
    places: dict[str, int]
    identity: tuple[int, ...]
    """Places whose texts make up the external id."""


def mapping_of(header: Sequence[str], wanted: Wanted) -> Mapping:
    """Find all columns; raises UnreadableFileError that names what is missing and what there is."""
    names = [name.strip() for name in header]
    places = {field: place for field in FIELDS if (place := _place(field, names, wanted)) is not None}
    if wanted.external_id_from:
        identity = tuple(_place_of(name, names, places) for name in wanted.external_id_from)
    elif "external_id" in places:
        identity = (places["external_id"],)
    else:
        raise _missing("external_id", names, "or make one with --external-id-from subject,started_at")
    for field in sorted(wanted.required - places.keys()):
        raise _missing(field, names)
    return Mapping(width=len(names), places=places, identity=identity)


def _place(field: str, names: list[str], wanted: Wanted) -> int | None:
    if field in wanted.columns:
        return _place_of(wanted.columns[field], names, {})
    folded = [name.casefold() for name in names]
    return folded.index(field) if field in folded else None


def _place_of(name: str, names: list[str], places: dict[str, int]) -> int:
    if name in places:
        return places[name]
    if names.count(name) > 1:
        raise UnreadableFileError(f"Column {name!r} stands {names.count(name)} times in the file: rename one.")
    if name not in names:
        raise UnreadableFileError(f"There is no column {name!r}. {_present(names)}")
    return names.index(name)


def _missing(field: str, names: list[str], other_cure: str = "") -> UnreadableFileError:
    cure = f"Name it with --map {field}=COLUMN{', ' + other_cure if other_cure else ''}."
    return UnreadableFileError(f"No column holds {field}. {_present(names)} {cure}")


def _present(names: list[str]) -> str:
    # A file that is something else may hold what would take over a terminal.
    shown = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in ", ".join(names)[:500])
    return f"The file has: {shown}."
