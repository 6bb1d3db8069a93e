"""A resident's own pages."""

from marshmallow import Schema, fields, validate

from backend.web.schemas import BalanceSchema, Instant


class LifetimeSchema(Schema):
    """Lifetime sums of the credited actions."""

    co2e_g = fields.Float(required=True, metadata={"description": "Grams of CO2e", "example": 1906.0})
    actions = fields.Integer(required=True, metadata={"example": 12})


class FrozenSchema(Schema):
    """Why nothing is earned or spent; both members are null where it is not known."""

    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "In the city's words", "example": "Written steps"}
    )
    since = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class ProfileSchema(Schema):
    """A resident, as seen by that resident."""

    nickname = fields.String(required=True, metadata={"example": "Lin"})
    avatar_url = fields.String(required=True, allow_none=True)
    district = fields.String(required=True, allow_none=True, metadata={"description": "Code of GET /areas"})
    community = fields.String(required=True, allow_none=True, metadata={"description": "Code of GET /areas"})
    level = fields.String(required=True, metadata={"enum": ["seed", "sprout", "sapling", "tree", "grove", "forest"]})
    joined_at = fields.String(required=True, metadata={"format": "date-time", "example": "2026-11-24T08:00:00Z"})
    leaderboard_consent = fields.Boolean(required=True)
    wallet = fields.Nested(BalanceSchema, required=True)
    reduction = fields.Nested(LifetimeSchema, required=True)
    frozen = fields.Nested(
        FrozenSchema, required=True, allow_none=True, metadata={"description": "Null unless the account is frozen"}
    )


class SignedInSchema(Schema):
    """A token, and whose it is."""

    token = fields.String(required=True, metadata={"description": "For `Authorization: Bearer <token>`"})
    expires_at = Instant(required=True)
    is_new = fields.Boolean(required=True, metadata={"description": "Whether this was the first time"})
    resident = fields.Nested(ProfileSchema, required=True)


class ExpiringSchema(Schema):
    """Points that expire on one day."""

    points = fields.Integer(required=True)
    expires_on = fields.String(required=True, metadata={"format": "date", "description": "Their last day"})


class WalletSchema(Schema):
    """The running sums of the points."""

    balance = fields.Integer(required=True, metadata={"description": "Can be spent now; below zero after a claw-back"})
    held = fields.Integer(required=True, metadata={"description": "In reserved redemptions; part of `spent`"})
    earned = fields.Integer(required=True)
    spent = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    expiring = fields.List(
        fields.Nested(ExpiringSchema),
        required=True,
        metadata={"description": "Within 90 days, earliest first"},
    )


class ReferenceSchema(Schema):
    """What points moved for."""

    kind = fields.String(required=True, metadata={"enum": ["action", "redemption", "lot", "adjustment"]})
    id = fields.String(required=True, metadata={"example": "1024-17"})


class EntrySchema(Schema):
    """One line of the statement."""

    seq = fields.Integer(required=True)
    kind = fields.String(
        required=True, metadata={"enum": ["award", "reversal", "redeem", "return", "expire", "adjust"]}
    )
    points = fields.Integer(required=True, metadata={"description": "Below zero: taken away"})
    balance_after = fields.Integer(required=True)
    reference = fields.Nested(ReferenceSchema, required=True)
    description = fields.String(required=True, metadata={"description": "In the caller's language"})
    posted_at = fields.String(required=True, metadata={"format": "date-time"})


class ReductionQuerySchema(Schema):
    """How to group."""

    by = fields.String(
        load_default="",
        validate=validate.OneOf(["", "task", "month", "task,month", "month,task"]),
        metadata={
            "description": "`task`, `month`, or both with a comma; left out: no groups",
            "example": "task,month",
        },
    )


class GroupSchema(Schema):
    """Sums of one task, one month, or one task in one month."""

    task = fields.String(required=True, allow_none=True)
    month = fields.String(required=True, allow_none=True, metadata={"example": "2026-11"})
    co2e_g = fields.Float(required=True)
    actions = fields.Integer(required=True)


class ReductionSchema(LifetimeSchema):
    """My reduction."""

    groups = fields.List(fields.Nested(GroupSchema), required=True)


class ExportSchema(Schema):
    """Everything that is held about me."""

    exported_at = fields.String(required=True)
    profile = fields.List(fields.Dict(), required=True)
    moves = fields.List(
        fields.Dict(), required=True, metadata={"description": "Where I lived before, for boards not yet settled"}
    )
    identities = fields.List(fields.Dict(), required=True)
    consents = fields.List(fields.Dict(), required=True)
    bindings = fields.List(fields.Dict(), required=True)
    actions = fields.List(fields.Dict(), required=True)
    wallet = fields.List(fields.Dict(), required=True)
    entries = fields.List(fields.Dict(), required=True)
    lots = fields.List(fields.Dict(), required=True)
    holds = fields.List(fields.Dict(), required=True)
    adjustments = fields.List(fields.Dict(), required=True)
    redemptions = fields.List(fields.Dict(), required=True)
    freezes = fields.List(fields.Dict(), required=True)
