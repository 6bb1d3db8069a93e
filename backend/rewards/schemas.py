"""What residents send and see of rewards and redemptions."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.catalogue.rules import LEVELS
from backend.rewards.rules import KINDS, LIMIT_PERIODS, STATES, STATUSES
from backend.web.library_messages import N_
from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import NOT_BLANK, BalanceSchema, Instant, Text

MOST_AT_ONCE = 10
PHONE = validate.Regexp(r"\+?[0-9][0-9 -]{4,19}\Z", error=N_("Give a phone number."))

OnSaleSchema: Any = Schema.from_dict(
    {
        "from": Instant(required=True, allow_none=True, metadata={"description": "null: already"}),
        "until": Instant(required=True, allow_none=True, metadata={"description": "Not any more then; null: no end"}),
    },
    name="OnSaleSchema",
)
"""Made from a dict, for `from` is a word of Python."""


class RewardBriefSchema(Schema):
    """A reward in a few words."""

    id = fields.Integer(required=True, metadata={"example": 3})
    code = fields.String(required=True, metadata={"example": "cloth_bag"})
    title = fields.String(required=True, metadata={"description": "In the caller's language", "example": "Cloth bag"})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "pickup"})
    images = fields.List(fields.String(), required=True, metadata={"description": "Addresses"})


class RewardSchema(RewardBriefSchema):
    """A reward as the caller sees it."""

    description = fields.String(required=True, metadata={"description": "In the caller's language"})
    price_points = fields.Integer(required=True, metadata={"example": 200})
    stock_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "null: unlimited", "example": 500}
    )
    limit_per_resident = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Pieces that one resident may have in each period; null: no limit",
            "example": 1,
        },
    )
    limit_period = fields.String(
        required=True,
        validate=validate.OneOf(LIMIT_PERIODS),
        metadata={"description": "Of the city's calendar"},
    )
    on_sale = fields.Nested(OnSaleSchema, required=True)
    min_level = fields.String(required=True, validate=validate.OneOf(list(LEVELS)))
    state = fields.String(required=True, validate=validate.OneOf(STATES), metadata={"example": "available"})


class RewardsQuerySchema(PageQuerySchema):
    """Which rewards."""

    kind = fields.String(validate=validate.OneOf(KINDS))


class DeliverySchema(Schema):
    """Where a physical reward is sent; encrypted at rest, removed a while after."""

    name = Text(required=True, shortest=1, longest=50, validate=[NOT_BLANK], metadata={"example": "Li Na"})
    phone = Text(required=True, longest=20, validate=[PHONE], metadata={"example": "13800000000"})
    address = Text(
        required=True,
        shortest=1,
        longest=300,
        validate=[NOT_BLANK],
        metadata={"example": "12 Yingze Street, Yingze District, Taiyuan"},
    )


class NewRedemptionSchema(Schema):
    """Points to be given for a reward."""

    reward_id = fields.Integer(
        required=True, strict=True, validate=validate.Range(1, 2**31 - 1), metadata={"example": 3}
    )
    quantity = fields.Integer(
        load_default=1, strict=True, validate=validate.Range(1, MOST_AT_ONCE), metadata={"example": 1}
    )
    delivery = fields.Nested(DeliverySchema, metadata={"description": "For a physical reward, and only then"})


class RedemptionSchema(Schema):
    """A redemption and what became of it."""

    id = fields.String(required=True, metadata={"example": "1024-3"})
    reward = fields.Nested(RewardBriefSchema, required=True)
    reward_version = fields.Integer(required=True, metadata={"description": "The terms that it was redeemed by"})
    quantity = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "For all pieces together", "example": 200})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES), metadata={"example": "reserved"})
    voucher = fields.String(metadata={"description": "The code; of several, the first"})
    vouchers = fields.List(fields.String(), metadata={"description": "All codes"})
    pickup_code = fields.String(
        metadata={"description": "To show at the counter, as text or as a QR code", "example": "1000ZZ7K3QPM"}
    )
    delivery = fields.Nested(DeliverySchema, metadata={"description": "Shown with a single redemption only"})
    redeemed_at = Instant(required=True)
    expires_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Points and stock go back if not collected by then"},
    )
    decided_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When it was fulfilled, cancelled or expired"},
    )
    reason = fields.String(metadata={"description": "Why it was cancelled"})
    wallet = fields.Nested(BalanceSchema)


class RedemptionsQuerySchema(PageQuerySchema):
    """Which of my redemptions."""

    status = fields.String(validate=validate.OneOf(STATUSES))


RewardPageSchema: Any = page_schema(RewardSchema)
RedemptionPageSchema: Any = page_schema(RedemptionSchema)
