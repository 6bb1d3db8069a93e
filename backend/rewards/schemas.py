"""What residents send and see of rewards and redemptions."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.catalogue.rules import LEVELS
from backend.paging import PageQuerySchema, page_schema
from backend.rewards.models import Reward
from backend.rewards.reading import Redeemed, redemption_id
from backend.rewards.rules import KINDS, LIMIT_PERIODS, STATES, STATUSES
from backend.schemas import Instant, Text
from backend.titles import local

MOST_AT_ONCE = 10


class OnSaleSchema(Schema):
    """When a reward can be redeemed: from the first instant on, until just before the second; null: no bound."""

    class Meta:
        """`from` is a word of Python, so this member cannot be named in the class body."""

        include = {"from": Instant(attribute="on_sale_from", required=True, allow_none=True)}  # noqa: RUF012

    until = Instant(attribute="on_sale_until", required=True, allow_none=True)


class RewardBriefSchema(Schema):
    """A reward in a few words."""

    id = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"example": "cloth_bag"})
    title = fields.Function(
        lambda reward: local(reward.title),
        required=True,
        metadata={"type": "string", "description": "In the caller's language", "example": "Cloth bag"},
    )
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    images = fields.List(fields.String(), required=True, metadata={"description": "Addresses"})


class RewardSchema(RewardBriefSchema):
    """A reward as the caller sees it."""

    description = fields.Function(
        lambda reward: local(reward.description),
        required=True,
        metadata={"type": "string", "description": "In the caller's language"},
    )
    price_points = fields.Integer(required=True, metadata={"example": 200})
    stock_left = fields.Integer(
        attribute="stock", required=True, allow_none=True, metadata={"description": "null: unlimited"}
    )
    limit_per_resident = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Pieces a resident may have in a period; null: no limit"}
    )
    limit_period = fields.String(required=True, validate=validate.OneOf(LIMIT_PERIODS))
    on_sale = fields.Function(
        lambda reward: OnSaleSchema().dump(reward),
        required=True,
        metadata={"allOf": [{"$ref": "#/components/schemas/OnSale"}]},
    )
    min_level = fields.String(required=True, validate=validate.OneOf(list(LEVELS)))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
