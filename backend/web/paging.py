"""Cursor paging: `?limit=&cursor=` in, `{items, next_cursor}` out."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from flask_babel import gettext
from marshmallow import Schema, fields, validate

from backend.errors import ValidationFailedError

Item = TypeVar("Item")
LONGEST = 100


class PageQuerySchema(Schema):
    """Which page of a list."""

    limit = fields.Integer(
        load_default=20, validate=validate.Range(1, LONGEST), metadata={"description": "Items on a page"}
    )
    cursor = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=200),
        metadata={"description": "`next_cursor` of the page before"},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and where the next begins; None: that was all."""

    items: Sequence[Any]
    next_cursor: str | None


class Place(NamedTuple):
    """Where a list over all residents has come to, in order of time: a moment, and a row within its resident."""

    at: datetime
    resident_id: int
    seq: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.resident_id} {self.seq}"


def page_of(rows: Sequence[Item], *, limit: int, key: Callable[[Item], int | str | Place]) -> Page:
    """A page from up to `limit` + 1 rows; `key` is what the next page begins after."""
    shown = rows[:limit]
    return Page(shown, encode(key(shown[-1])) if len(rows) > limit else None)


def encode(key: int | str | Place) -> str:
    """A cursor: opaque to clients, so that we may change what is in it."""
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> str | None:
    """What a cursor holds; raises ValidationFailedError for one that we did not make."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise bad_cursor() from error
    if "\x00" in text:
        raise bad_cursor()
    return text


def decode_number(cursor: str | None, *, below: int = 2**31) -> int | None:
    """What a cursor that stands for a number holds; raises ValidationFailedError.

    `below` is what the column can hold: 2^31, or 2^63 for a bigint.
    """
    text = decode(cursor)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError as error:
        raise bad_cursor() from error
    if abs(number) >= below:
        raise bad_cursor()
    return number


def decode_place(cursor: str | None) -> Place | None:
    """What a cursor that stands for a place holds; raises ValidationFailedError."""
    text = decode(cursor)
    if text is None:
        return None
    try:
        at, resident_id, seq = text.split(" ")
        place = Place(datetime.fromisoformat(at), int(resident_id), int(seq))
    except ValueError as error:
        raise bad_cursor() from error
    if place.at.tzinfo is None or abs(place.resident_id) >= 2**63 or abs(place.seq) >= 2**31:
        raise bad_cursor()
    return place


def page_schema(item: type[Schema]) -> type[Schema]:
    """The schema of a page of such items."""
    name = item.__name__.removesuffix("Schema")
    members = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(required=True, allow_none=True),
    }
    return type(f"{name}PageSchema", (Schema,), {**members, "__doc__": f"A page of {name}."})


def bad_cursor() -> ValidationFailedError:
    """The refusal of a cursor that we did not make."""
    message = gettext("Take the cursor from next_cursor of the page before, or leave it out.")
    return ValidationFailedError(message, errors=[{"field": "cursor", "message": message}])
