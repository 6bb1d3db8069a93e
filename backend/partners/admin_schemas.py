"""What admins send and see of partners."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.partners.models import MOST_EVENT_AGE_DAYS
from backend.web.paging import page_schema
from backend.web.schemas import BothLanguagesSchema, Code, Entire, Flag, Instant, ShortList

TIERS = ("partner", "device", "check_in")


class PartnerChangeSchema(Schema):
    """What is to change of a partner; what is left out stays."""

    title = Entire(BothLanguagesSchema, required=True)
    tier = fields.String(
        required=True,
        validate=validate.OneOf(TIERS),
        metadata={"description": "The evidence tier that its records have"},
    )
    tasks = ShortList(
        Code(),
        required=True,
        most=100,
        metadata={"description": "Codes of the green tasks that it may report", "example": ["bike_ride"]},
    )
    max_event_age_days = fields.Integer(
        strict=True,
        load_default=366,
        validate=validate.Range(1, MOST_EVENT_AGE_DAYS),
        metadata={"description": "How old an event may be", "example": 366},
    )
    active = Flag(
        load_default=True,
        metadata={"description": "Whether its records are taken"},
    )


class NewPartnerSchema(PartnerChangeSchema):
    """A partner to be added."""

    code = Code(required=True, metadata={"example": "city_bikes"})


class AdminPartnerSchema(NewPartnerSchema):
    """A partner."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


class NewPartnerKeySchema(Schema):
    """A key pair, shown this once."""

    key = fields.String(required=True, metadata={"example": "pk_kPq2W0xY1h7Zt3aB"})
    secret = fields.String(required=True, metadata={"description": "Signs requests; nobody can read it again"})


class PartnerKeySchema(Schema):
    """A key, without its secret."""

    key = fields.String(required=True, metadata={"example": "pk_kPq2W0xY1h7Zt3aB"})
    created_at = Instant(required=True)
    revoked_at = Instant(required=True, allow_none=True)


class PartnerKeysSchema(Schema):
    """All keys of a partner, newest first."""

    items = fields.List(fields.Nested(PartnerKeySchema), required=True)


AdminPartnerPageSchema: Any = page_schema(AdminPartnerSchema)
