"""Fields and schemas that every feature's schemas are made of."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from marshmallow import Schema, ValidationError, fields, validate

from backend import clock
from backend.web.library_messages import N_

NOT_BLANK = validate.Regexp(r"\s*\S", error=N_("Must not be blank."))
NOT_ZERO = validate.NoneOf([0], error=N_("Must not be 0."))


class Text(fields.String):
    """Text that PostgreSQL can hold: no NUL, no lone surrogates, at most `longest` characters."""

    def __init__(self, *, longest: int = 200, shortest: int = 0, **kwargs: Any) -> None:
        checks = [validate.Length(min=shortest, max=longest), *kwargs.pop("validate", [])]
        super().__init__(validate=checks, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError(gettext("Holds characters that no text may hold."))
        return text


class Instant(fields.DateTime):
    """An instant in RFC 3339 with its offset; inside, aware UTC; out, `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return None if value is None else clock.rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        instant = super()._deserialize(value, attr, data, **kwargs)
        if instant.tzinfo is None:
            raise ValidationError(gettext("Give the offset from UTC too, such as Z or +08:00."))
        # Room on both sides: city days and periods around the instant must be computable too.
        if not 1900 <= instant.year <= 9000:  # noqa: PLR2004  far beyond any use
            raise ValidationError(gettext("Not a time that can be."))
        return instant.astimezone(UTC)


class Amount(fields.Field[float]):
    """A finite JSON number (never text, true or NaN), below 10^10 either way."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002  marshmallow's signature
        if not _is_number(value):
            raise ValidationError(gettext("Not a number."))
        if abs(value) >= 10**10:
            raise ValidationError(gettext("Too large."))
        return value


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        # Finite, however long: asking isfinite would make a float of it, for which it may be too large.
        return not isinstance(value, bool)
    return isinstance(value, float) and math.isfinite(value)


class Flag(fields.Boolean):
    """true or false, and nothing that only resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Exact(fields.Field[Decimal]):
    """A JSON number, zero or more, exact to some decimal places: a Decimal inside, never a float."""

    def __init__(self, *, places: int, below: int = 10**10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places, self.below = places, below

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:  # noqa: ARG002  marshmallow's signature
        if not _is_number(value):
            raise ValidationError(gettext("Not a number."))
        exact = Decimal(str(value))
        if not 0 <= exact < self.below:
            raise ValidationError(gettext("Must be from 0 to below %(most)s.", most=self.below))
        if exact != round(exact, self.places):
            raise ValidationError(gettext("At most %(places)s decimal places.", places=self.places))
        return exact

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> int | float | None:  # noqa: ARG002  marshmallow's signature
        if value is None:
            return None
        exact = Decimal(value)
        return int(exact) if exact == int(exact) else float(exact)


class Entire(fields.Nested):
    """A nested object that is given as a whole, also where the object around it is changed in part."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return super()._deserialize(value, attr, data, **{**kwargs, "partial": False})


class ShortList(fields.List[Any]):
    """A list of at most `most` items; a longer one is refused before its items are looked at, be they a million."""

    def __init__(self, item: Any, *, most: int, least: int | None = None, **kwargs: Any) -> None:
        self._length = validate.Length(least, most)
        super().__init__(item, validate=self._length, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class BothLanguagesSchema(Schema):
    """A text in both languages."""

    zh = Text(required=True, shortest=1, longest=200)
    en = Text(required=True, shortest=1, longest=200)


class Code(Text):
    """A code that stands for a thing for good: lower-case letters, digits and underscores."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": "^[a-z][a-z0-9_]*$", **kwargs.pop("metadata", {})}
        cure = _l("Take 1 to 40 of a-z, 0-9 and underscore, a letter first.")
        super().__init__(longest=40, validate=[_fits("[a-z][a-z0-9_]*", cure)], metadata=metadata, **kwargs)


class Unit(Text):
    """A unit of activity data, such as m, g, Wh, steps or count."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": "^[A-Za-z]+$", "description": "Unit of activity data", "example": "m"}
        cure = _l("Take 1 to 20 letters.")
        super().__init__(longest=20, validate=[_fits("[A-Za-z]+", cure)], metadata=metadata, **kwargs)


def _fits(pattern: str, cure: str) -> Callable[[str], None]:
    # marshmallow's Regexp would put Python's own way of writing "the very end" into the description.
    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValidationError(str(cure))

    return check


class ProblemItemSchema(Schema):
    """One field that is wrong."""

    field = fields.String(required=True)
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """A problem document (RFC 9457)."""

    type = fields.String(required=True, metadata={"description": "A stable slug", "example": "insufficient-points"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemItemSchema))


class BalanceSchema(Schema):
    """Points that can be spent now; below zero after a claw-back."""

    balance = fields.Integer(required=True, metadata={"example": 120})


class ReasonSchema(Schema):
    """Why; the resident concerned can read it."""

    reason = Text(
        required=True,
        longest=500,
        validate=[NOT_BLANK],
        metadata={"example": "The photo shows another meal."},
    )


def grams(co2e_mg: int) -> float:
    """Milligrams as the API's grams: exact to the milligram."""
    return co2e_mg / 1000
