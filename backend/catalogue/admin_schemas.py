"""What admins send and see of green tasks."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.catalogue.rules import CATEGORIES, TIERS
from backend.web.paging import page_schema
from backend.web.schemas import BothLanguagesSchema, Code, Entire, Exact, Flag, Instant, ShortList, Text, Unit

BASES = ("fixed", "quantity", "co2e")
MOST_POINTS = 1_000_000
_points = validate.Range(0, MOST_POINTS)


class DescriptionSchema(Schema):
    """A longer text in both languages; may be empty."""

    zh = Text(load_default="", longest=2000)
    en = Text(load_default="", longest=2000)


class SharedLimitSchema(Schema):
    """At most `per_day` actions a day over all tasks whose rule names the same group."""

    group = Code(required=True, metadata={"example": "declared_ride"})
    per_day = fields.Integer(strict=True, required=True, validate=validate.Range(1, 1000))


class EvidenceRuleSchema(Schema):
    """What one accepted evidence tier is worth.

    Points by basis: `fixed` gives `points`; `quantity` gives `points` for every `per` units; `co2e` gives
    `points` for every `per` mg. Then at least `min`, at most `max`, of that `share_percent`; rounded down.
    """

    tier = fields.String(required=True, validate=validate.OneOf(TIERS))
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    points = fields.Integer(strict=True, required=True, validate=_points)
    per = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 10**12))
    min = fields.Integer(strict=True, load_default=0, validate=_points)
    max = fields.Integer(strict=True, load_default=None, allow_none=True, validate=_points)
    share_percent = fields.Integer(strict=True, load_default=100, validate=validate.Range(0, 100))
    quantity_max = Exact(
        places=3,
        load_default=None,
        allow_none=True,
        metadata={"type": "number", "description": "Most activity data that this tier may claim"},
    )
    review = Flag(load_default=False, metadata={"description": "Waits for a reviewer"})
    shared_limit = Entire(SharedLimitSchema, load_default=None, allow_none=True)


class UnlockDraftSchema(Schema):
    """What a resident must have reached; empty: open to all."""

    min_co2e_mg = fields.Integer(strict=True, validate=validate.Range(1, 10**15))
    min_actions = fields.Integer(strict=True, validate=validate.Range(1, 10**6))


class TaskChangeSchema(Schema):
    """What the next version of a task changes; what is left out stays."""

    title = Entire(BothLanguagesSchema, required=True)
    description = Entire(DescriptionSchema, load_default=lambda: {"zh": "", "en": ""})
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    icon = Text(load_default="", longest=200, metadata={"example": "bike"})
    unit = Unit(required=True)
    quantity_min = Exact(places=3, required=True, metadata={"type": "number", "example": 300})
    quantity_max = Exact(places=3, required=True, metadata={"type": "number", "example": 50000})
    quantity_typical = Exact(places=3, required=True, metadata={"type": "number", "example": 2000})
    counted_max = Exact(
        places=3,
        load_default=None,
        allow_none=True,
        metadata={"type": "number", "description": "Activity data above this is recorded and not counted"},
    )
    trip = Flag(load_default=False, metadata={"description": "Must not overlap with another"})
    max_speed_kmh = Exact(
        places=3, below=1000, load_default=None, allow_none=True, metadata={"type": "number", "example": 25}
    )
    max_duration_s = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(1, 86_400))
    methodology = Code(load_default=None, allow_none=True, metadata={"description": "Null: unquantified, counts 0 g"})
    limit_count = fields.Integer(strict=True, required=True, validate=validate.Range(1, 1000))
    limit_period = fields.String(load_default="day", validate=validate.OneOf(("day", "month")))
    points_cap_day = fields.Integer(strict=True, load_default=None, allow_none=True, validate=_points)
    evidence = ShortList(Entire(EvidenceRuleSchema), required=True, least=1, most=len(TIERS))
    unlock = Entire(UnlockDraftSchema, load_default=dict)
    starts_at = Instant(load_default=None, allow_none=True)
    ends_at = Instant(load_default=None, allow_none=True)
    position = fields.Integer(
        strict=True,
        load_default=1000,
        validate=validate.Range(0, 100_000),
        metadata={"description": "Place in the list of tasks, lowest first"},
    )


class NewTaskSchema(TaskChangeSchema):
    """A green task to be added."""

    code = Code(required=True, metadata={"example": "bike_ride"})


class AdminTaskSchema(NewTaskSchema):
    """One version of a green task."""

    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    created_by = fields.String(required=True)

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Rules lie one level deeper than what names and places the task."""
        return getattr(obj.rules if hasattr(obj.rules, attr) else obj, attr, default)


AdminTaskPageSchema: Any = page_schema(AdminTaskSchema)
