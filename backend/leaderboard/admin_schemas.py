"""What admins see of boards."""

from marshmallow import Schema, fields, validate

from backend.leaderboard.schemas import PeriodSchema
from backend.leaderboard.scores import METRICS
from backend.web.schemas import Code, Instant, Text


class SettledQuerySchema(Schema):
    """Which settled board of a metric and a kind of period."""

    at = Text(
        required=True,
        shortest=4,
        longest=10,
        metadata={"description": "The period: 2026-11-24, 2026-W47, 2026-11 or 2026", "example": "2026-W47"},
    )
    area = Code(
        load_default=None,
        allow_none=True,
        metadata={"description": "Code of a district or community; left out: the city"},
    )


class SettledPlaceSchema(Schema):
    """Who stood there."""

    rank = fields.Integer(required=True, metadata={"example": 1})
    resident_id = fields.Integer(required=True)
    nickname = fields.String(required=True, metadata={"description": "As it is now; empty once the account is erased"})
    state = fields.String(required=True, metadata={"enum": ["active", "erased"]})
    score = fields.Float(required=True, metadata={"description": "Points, or grams", "example": 412})


class SettledBoardSchema(Schema):
    """A board as it stood when its period was settled."""

    board = fields.String(required=True, validate=validate.OneOf(METRICS), metadata={"example": "points"})
    area = fields.String(required=True, allow_none=True, metadata={"description": "null: the city"})
    period = fields.Nested(PeriodSchema, required=True)
    size = fields.Integer(required=True, metadata={"description": "Residents on the board", "example": 12905})
    settled_at = Instant(required=True)
    items = fields.List(
        fields.Nested(SettledPlaceSchema), required=True, metadata={"description": "The first hundred, best first"}
    )
