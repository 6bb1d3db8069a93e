"""Fields and schemas that every feature's schemas are made of."""

import math
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import Schema, ValidationError, fields, validate

from backend import clock


class Text(fields.String):
    """Text that PostgreSQL can hold: no NUL, no lone surrogates, at most `longest` characters."""

    def __init__(self, *, longest: int = 200, shortest: int = 0, **kwargs: Any) -> None:
        checks = [validate.Length(min=shortest, max=longest), *kwargs.pop("validate", [])]
        super().__init__(validate=checks, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ValidationError(str(_l("Holds characters that no text may hold.")))
        return text


class Instant(fields.DateTime):
    """An instant in RFC 3339 with its offset; inside, aware UTC; out, `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else clock.rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        instant = super()._deserialize(value, attr, data, **kwargs)
        if instant.tzinfo is None:
            raise ValidationError(str(_l("Give the offset from UTC too, such as Z or +08:00.")))
        # Room on both sides: city days and periods around the instant must be computable too.
        if not 1900 <= instant.year <= 9000:  # noqa: PLR2004  far beyond any use
            raise ValidationError(str(_l("Not a time that can be.")))
        return instant.astimezone(UTC)


class Amount(fields.Field[float]):
    """A finite JSON number (never text, true or NaN), below 10^10 either way."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002  marshmallow's signature
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValidationError(str(_l("Not a number.")))
        if abs(value) >= 10**10:  # noqa: PLR2004  beyond any activity data
            raise ValidationError(str(_l("Too large.")))
        return value


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


def grams(co2e_mg: int) -> float:
    """Milligrams as the API's grams: exact to the milligram."""
    return co2e_mg / 1000
