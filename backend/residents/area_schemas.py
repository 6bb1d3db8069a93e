"""What admins send and see of districts and communities."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import BothLanguagesSchema, Code, Entire

KINDS = ("district", "community")


class AreaChangeSchema(Schema):
    """A place's new title."""

    title = Entire(BothLanguagesSchema, required=True)


class NewAreaSchema(AreaChangeSchema):
    """A district, or a community in one."""

    code = Code(required=True, metadata={"example": "binhe"})
    district = Code(
        load_default=None,
        allow_none=True,
        metadata={"description": "Code of the district that it lies in; null: it is a district"},
    )


class AdminAreaSchema(AreaChangeSchema):
    """A district or a community."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    district_id = fields.Integer(required=True, allow_none=True)
    simulated = fields.Boolean(required=True)


class AdminAreasQuerySchema(PageQuerySchema):
    """Which places."""

    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS))


AdminAreaPageSchema: Any = page_schema(AdminAreaSchema)
