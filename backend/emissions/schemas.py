"""What admins send and see of factors and methodologies."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.web.paging import page_schema
from backend.web.schemas import BothLanguagesSchema, Code, Entire, Exact, Instant, Text, Unit

STATUSES = ("read", "second-hand")


class FactorChangeSchema(Schema):
    """What the next version of a factor changes; what is left out stays. Its unit stays for good."""

    title = Entire(BothLanguagesSchema, required=True)
    value_mg = Exact(
        places=6,
        required=True,
        metadata={"description": "mg CO2e per unit", "type": "number", "example": 8.7},
    )
    source = Text(required=True, shortest=1, longest=500, metadata={"example": "DB11/T 3043-2024"})
    source_status = fields.String(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata={"description": "`read` in a published source, or `second-hand`"},
    )
    region = Text(required=True, shortest=1, longest=20, metadata={"example": "CN-JJJ"})
    valid_from = fields.Date(required=True, metadata={"description": "First day of activity that it holds for"})
    valid_to = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "First day that it does not hold for"}
    )


class NewFactorSchema(FactorChangeSchema):
    """A factor to be added."""

    code = Code(required=True, metadata={"example": "travel_bike"})
    unit = Unit(required=True)


class FactorSchema(NewFactorSchema):
    """One version of a factor."""

    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    created_by = fields.String(required=True)


class MethodologyChangeSchema(Schema):
    """What the next version of a methodology changes; what is left out stays. Its unit stays for good."""

    title = Entire(BothLanguagesSchema, required=True)
    baseline_factor = Code(required=True, metadata={"description": "What would have been emitted otherwise"})
    project_factor = Code(
        load_default=None, allow_none=True, metadata={"description": "What is still emitted; null: nothing"}
    )
    source = Text(required=True, shortest=1, longest=500, metadata={"example": "DB11/T 3043-2024"})


class NewMethodologySchema(MethodologyChangeSchema):
    """A methodology to be added."""

    code = Code(required=True, metadata={"example": "bike_ride"})
    unit = Unit(required=True)


class MethodologySchema(NewMethodologySchema):
    """One version of a methodology."""

    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    created_by = fields.String(required=True)


FactorPageSchema: Any = page_schema(FactorSchema)
MethodologyPageSchema: Any = page_schema(MethodologySchema)
