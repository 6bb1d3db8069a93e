"""What totals look like to the public."""

from marshmallow import Schema, fields, validate

from backend.web.schemas import Instant, Text

LONGEST = 1_000


class TierSumsSchema(Schema):
    """Reductions with one tier of evidence."""

    co2e_kg = fields.Float(required=True, metadata={"example": 9120.5})
    person_times = fields.Integer(required=True, metadata={"example": 50325})


class EquivalentSchema(Schema):
    """What the whole is comparable to."""

    value = fields.Integer(required=True, metadata={"description": "How many of them", "example": 1695})
    kg_each = fields.Float(required=True, metadata={"example": 6.0})
    source = fields.String(required=True)


class TotalsSchema(Schema):
    """What the city's residents have come to together."""

    as_of = Instant(
        required=True,
        metadata={
            "description": "Everything recorded until then is counted",
            "example": "2026-11-24T08:00:00Z",
        },
    )
    co2e_kg = fields.Float(required=True, metadata={"description": "Quantified actions only", "example": 10174.308013})
    person_times = fields.Integer(required=True, metadata={"example": 50429})
    participants = fields.Integer(required=True, metadata={"example": 12905})
    points_issued = fields.Integer(required=True, metadata={"example": 939778})
    points_redeemed = fields.Integer(required=True, metadata={"example": 120000})
    redemptions = fields.Integer(required=True, metadata={"example": 640})
    by_tier = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(TierSumsSchema),
        required=True,
        metadata={"description": "By tier of evidence, strongest claims apart from mere declarations"},
    )
    equivalents = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(EquivalentSchema),
        required=True,
        metadata={"description": "`tree_years`, `car_km`: each with its factor and source"},
    )


class TotalsQuerySchema(Schema):
    """Which days."""

    class Meta:
        """Names that Python keeps for itself."""

        include = {  # noqa: RUF012  marshmallow's way
            "from": fields.Date(
                load_default=None,
                allow_none=True,
                metadata={"description": "First day; else 29 before the last", "example": "2026-11-01"},
            )
        }

    to = fields.Date(
        load_default=None,
        allow_none=True,
        metadata={"description": "Last day; else today", "example": "2026-11-24"},
    )
    by = fields.String(
        load_default="",
        validate=validate.OneOf(["", "task", "district", "task,district", "district,task"]),
        metadata={
            "description": "`task`, `district`, or both with a comma; left out: days only",
            "example": "task,district",
        },
    )
    limit = fields.Integer(
        load_default=400, validate=validate.Range(1, LONGEST), metadata={"description": "Rows on a page"}
    )
    cursor = Text(
        load_default=None,
        allow_none=True,
        longest=200,
        metadata={"description": "`next_cursor` of the page before"},
    )


class DayOfTotalsSchema(Schema):
    """Totals of one day, or of one task or district on it."""

    date = fields.Date(required=True, metadata={"example": "2026-11-23"})
    task = fields.String(metadata={"description": "Code of the task, if grouped by it", "example": "bike_ride"})
    district = fields.String(
        allow_none=True, metadata={"description": "Code of the district, if grouped by it; null: none set"}
    )
    co2e_kg = fields.Float(
        required=True,
        metadata={
            "description": "Of a day exact; of a task or district to a tenth, of fewer than five participants whole",
            "example": 512.3,
        },
    )
    person_times = fields.Integer(required=True, metadata={"example": 2511})
    participants = fields.Integer(required=True, metadata={"example": 1760})
