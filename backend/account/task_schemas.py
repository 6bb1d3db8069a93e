"""Green tasks as a resident sees them."""

from marshmallow import Schema, fields

from backend.catalogue.rules import CATEGORIES, TIERS


class ActivityRangeSchema(Schema):
    """The activity data of a task."""

    unit = fields.String(required=True, metadata={"example": "m"})
    min = fields.Float(required=True)
    max = fields.Float(required=True)
    typical = fields.Float(required=True)


class TaskRewardSchema(Schema):
    """What it is worth."""

    text = fields.String(required=True, metadata={"example": "1 point per 10 g CO2e, at most 60"})
    points_max = fields.Integer(required=True, allow_none=True, metadata={"description": "Most that one action earns"})


class UnlockRuleSchema(Schema):
    """What opens a task."""

    text = fields.String(required=True)
    min_co2e_g = fields.Float(required=True, allow_none=True, metadata={"description": "Lifetime grams"})
    min_actions = fields.Integer(required=True, allow_none=True, metadata={"description": "Lifetime actions"})
    starts_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})


class UnlockSchema(Schema):
    """Whether the task is open to me."""

    rule = fields.Nested(
        UnlockRuleSchema, required=True, allow_none=True, metadata={"description": "null: open to all"}
    )
    progress = fields.Float(required=True, metadata={"description": "0 to 1; 1: reached. 0 before the task begins"})


class LimitsSchema(Schema):
    """How often it counts; what waits for a reviewer counts too."""

    per_day = fields.Integer(required=True, allow_none=True)
    used_today = fields.Integer(required=True)
    per_month = fields.Integer(required=True, allow_none=True)
    used_this_month = fields.Integer(required=True)


class TaskSchema(Schema):
    """A green task."""

    code = fields.String(required=True, metadata={"example": "bike_ride"})
    title = fields.String(required=True, metadata={"description": "In the caller's language"})
    category = fields.String(required=True, metadata={"enum": list(CATEGORIES)})
    icon = fields.String(required=True)
    evidence = fields.List(
        fields.String(metadata={"enum": list(TIERS)}),
        required=True,
        metadata={"description": "Accepted tiers"},
    )
    activity = fields.Nested(ActivityRangeSchema, required=True)
    reward = fields.Nested(TaskRewardSchema, required=True)
    state = fields.String(required=True, metadata={"enum": ["available", "locked", "done", "ended"]})
    unlock = fields.Nested(UnlockSchema, required=True)
    limits = fields.Nested(LimitsSchema, required=True)
    quantified = fields.Boolean(
        required=True, metadata={"description": "Whether grams are counted; false: no published factor"}
    )


class TaskDetailSchema(TaskSchema):
    """A green task with its description."""

    description = fields.String(required=True)
