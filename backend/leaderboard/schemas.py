"""What boards look like to clients."""

from marshmallow import Schema, fields, validate

from backend.leaderboard.boards import SCOPES
from backend.leaderboard.periods import KINDS
from backend.leaderboard.scores import METRICS
from backend.web.schemas import Text

FURTHEST = 1_000_000
MOST = 100
WIDEST = 50


class BoardQuerySchema(Schema):
    """Which board of a metric and a period."""

    scope = fields.String(
        load_default="city",
        validate=validate.OneOf(SCOPES),
        metadata={
            "description": "The whole city, or the district or community in my profile",
            "example": "city",
        },
    )
    at = Text(
        load_default=None,
        allow_none=True,
        shortest=4,
        longest=10,
        metadata={
            "description": "A past period: 2026-11-24, 2026-W47, 2026-11 or 2026; left out: the present one",
            "example": "2026-W47",
        },
    )


class PageOfBoardQuerySchema(BoardQuerySchema):
    """Which part of a board."""

    limit = fields.Integer(
        load_default=50, validate=validate.Range(1, MOST), metadata={"description": "Places on a page"}
    )
    offset = fields.Integer(
        load_default=0,
        validate=validate.Range(0, FURTHEST),
        metadata={"description": "Places before the page"},
    )


class AroundMeQuerySchema(BoardQuerySchema):
    """How many neighbours."""

    window = fields.Integer(
        load_default=5,
        validate=validate.Range(1, WIDEST),
        metadata={"description": "Places shown above mine, and as many below"},
    )


class PeriodSchema(Schema):
    """A period of the city's calendar."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "week"})
    starts_on = fields.Date(required=True, metadata={"example": "2026-11-16"})
    ends_on = fields.Date(
        required=True,
        allow_none=True,
        metadata={"description": "Its last day; null: it never ends", "example": "2026-11-22"},
    )


class PlaceSchema(Schema):
    """A resident's place."""

    rank = fields.Integer(required=True, metadata={"description": "From 1; of equal scores the earlier", "example": 1})
    name = fields.String(
        required=True,
        metadata={"description": "A nickname with its owner's consent, else a pseudonym", "example": "Lin"},
    )
    avatar_url = fields.String(required=True, allow_none=True)
    score = fields.Float(required=True, metadata={"description": "Points, or grams", "example": 412})


class MyPlaceSchema(Schema):
    """My place."""

    rank = fields.Integer(required=True, metadata={"example": 117})
    score = fields.Float(required=True, metadata={"example": 38})


class BoardSchema(Schema):
    """Part of a leaderboard."""

    board = fields.String(required=True, validate=validate.OneOf(METRICS), metadata={"example": "points"})
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES), metadata={"example": "city"})
    period = fields.Nested(PeriodSchema, required=True)
    size = fields.Integer(required=True, metadata={"description": "Residents on the board", "example": 12905})
    items = fields.List(fields.Nested(PlaceSchema), required=True)
    me = fields.Nested(
        MyPlaceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: I am not on the board yet"},
    )


class BoardNameSchema(Schema):
    """A board that exists for me."""

    metric = fields.String(required=True, validate=validate.OneOf(METRICS), metadata={"example": "co2e"})
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES), metadata={"example": "district"})
    period = fields.Nested(PeriodSchema, required=True)
