"""What admins send and see of rewards, stock, vouchers and redemptions."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.catalogue.rules import LEVELS
from backend.rewards.answering import OF_THE_RESIDENT_ALONE
from backend.rewards.rules import KINDS, LIMIT_PERIODS, STATUSES
from backend.rewards.schemas import RedemptionSchema
from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import NOT_BLANK, NOT_ZERO, BothLanguagesSchema, Code, Entire, Flag, Instant, ShortList, Text

MOST_POINTS = 10_000_000
MOST_PIECES = 1_000_000


class BothDescriptionsSchema(Schema):
    """A longer text in both languages; may be empty."""

    zh = Text(required=True, longest=2000)
    en = Text(required=True, longest=2000)


class RewardTermsSchema(Schema):
    """The terms of a reward. In a change, what is left out stays."""

    title = Entire(BothLanguagesSchema, required=True)
    description = Entire(BothDescriptionsSchema, load_default=lambda: {"zh": "", "en": ""})
    images = ShortList(
        Text(shortest=1, longest=500, validate=[validate.URL(schemes={"https"})]),
        load_default=list,
        most=10,
        metadata={"description": "https addresses"},
    )
    price_points = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, MOST_POINTS), metadata={"example": 200}
    )
    limit_per_resident = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, MOST_PIECES),
        metadata={"description": "Pieces that one resident may have in each period; null: no limit"},
    )
    limit_period = fields.String(
        load_default="ever",
        validate=validate.OneOf(LIMIT_PERIODS),
        metadata={"description": "Of the city's calendar"},
    )
    on_sale_from = Instant(load_default=None, allow_none=True)
    on_sale_until = Instant(load_default=None, allow_none=True, metadata={"description": "Not any more then"})
    min_level = fields.String(load_default="seed", validate=validate.OneOf(list(LEVELS)))
    hold_days = fields.Integer(
        load_default=30,
        strict=True,
        validate=validate.Range(1, 365),
        metadata={"description": "Days after which what was reserved and not collected goes back"},
    )
    active = Flag(load_default=True, metadata={"description": "Whether residents see it"})


class NewRewardSchema(RewardTermsSchema):
    """A reward to be made."""

    code = Code(required=True, metadata={"example": "cloth_bag"})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "pickup"})
    stock = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(0, MOST_PIECES),
        metadata={"description": "Pieces at first. null: unlimited for a donation, else none; vouchers are loaded"},
    )


class AdminRewardSchema(Schema):
    """A reward as admins see it, with its version."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    title = fields.Nested(BothLanguagesSchema, required=True)
    description = fields.Nested(BothDescriptionsSchema, required=True)
    images = fields.List(fields.String(), required=True)
    price_points = fields.Integer(required=True)
    stock = fields.Integer(required=True, allow_none=True, metadata={"description": "null: unlimited"})
    limit_per_resident = fields.Integer(required=True, allow_none=True)
    limit_period = fields.String(required=True, validate=validate.OneOf(LIMIT_PERIODS))
    on_sale_from = Instant(required=True, allow_none=True)
    on_sale_until = Instant(required=True, allow_none=True)
    min_level = fields.String(required=True, validate=validate.OneOf(list(LEVELS)))
    hold_days = fields.Integer(required=True)
    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


class StockChangeSchema(Schema):
    """Pieces to be added to the stock, or taken away (below zero)."""

    delta = fields.Integer(
        required=True,
        strict=True,
        validate=[validate.Range(-MOST_PIECES, MOST_PIECES), NOT_ZERO],
        metadata={"example": 100},
    )
    reason = Text(required=True, longest=500, validate=[NOT_BLANK], metadata={"example": "New delivery"})


class DuplicateLineSchema(Schema):
    """A line whose code was there already."""

    line = fields.Integer(required=True)
    code = fields.String(required=True)


class InvalidLineSchema(Schema):
    """A line that cannot be a code."""

    line = fields.Integer(required=True)
    reason = fields.String(required=True)


class LoadedSchema(Schema):
    """What became of a file of codes. The lists name the first thousand lines; the counts count all."""

    loaded = fields.Integer(required=True)
    stock = fields.Integer(required=True, metadata={"description": "Codes that can be redeemed now"})
    duplicates = fields.List(fields.Nested(DuplicateLineSchema), required=True)
    duplicate_count = fields.Integer(required=True)
    invalid = fields.List(fields.Nested(InvalidLineSchema), required=True)
    invalid_count = fields.Integer(required=True)


class WorkListQuerySchema(PageQuerySchema):
    """Which redemptions."""

    status = fields.String(load_default="reserved", validate=validate.OneOf(STATUSES))
    reward_id = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(1, 2**31 - 1), metadata={"example": 3}
    )


class FulfilmentSchema(RedemptionSchema):
    """A redemption as those see it who hand it over."""

    class Meta:
        """What is the resident's own to show stays out."""

        exclude = OF_THE_RESIDENT_ALONE

    resident_id = fields.Integer(required=True)
    decided_by = fields.String(required=True, allow_none=True)


class PickupSchema(Schema):
    """A code that a resident shows at the counter."""

    pickup_code = Text(required=True, shortest=1, longest=40, metadata={"example": "1000ZZ7K3QPM"})


AdminRewardPageSchema: Any = page_schema(AdminRewardSchema)
FulfilmentPageSchema: Any = page_schema(FulfilmentSchema)
