"""What residents send and get about actions."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from backend.actions.models import STATUSES
from backend.catalogue.rules import TIERS
from backend.web.paging import PageQuerySchema
from backend.web.schemas import Amount, BalanceSchema, Instant, ShortList, Text

KINDS = ("photo", "check_in", "declaration")


class ActivitySchema(Schema):
    """Activity data: the measured quantity."""

    quantity = Amount(required=True, metadata={"example": 2000, "description": "Measured quantity"})
    unit = Text(required=True, longest=20, metadata={"example": "m"})


class Sha256(fields.String):
    """A SHA-256 in hex of any case; inside, in lower case: two that are equal are the same text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(r"^[0-9A-Fa-f]{64}\Z"), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).lower()


class EvidenceSchema(Schema):
    """What shows that it was done; left out: a declaration."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "photo"})
    photo_sha256 = Sha256(metadata={"description": "SHA-256 of the photo, hex; kept in lower case"})
    photo_url = Text(longest=500, metadata={"description": "Where reviewers find the photo"})
    check_in_token = Text(
        longest=500,
        metadata={"description": "Token of the code that was scanned at the place: one action a resident and code"},
    )
    note = Text(longest=500)


class NewActionSchema(Schema):
    """A green action that the resident did."""

    task = Text(required=True, shortest=1, longest=64, metadata={"example": "clean_plate"})
    occurred_at = Instant(required=True, metadata={"description": "When it was done, or when a trip ended"})
    started_at = Instant(metadata={"description": "When a trip began"})
    activity = fields.Nested(ActivitySchema)
    evidence = fields.Nested(EvidenceSchema)
    client_reference = Text(
        shortest=1, longest=100, metadata={"description": "The client's own id: one action a reference"}
    )


class EachAction(fields.Nested):
    """Items of a batch: what is wrong with one must not hold up the others."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, *args, **kwargs)
        except ValidationError as error:
            return error


class NewActionsSchema(Schema):
    """Actions of a client that was offline."""

    actions = ShortList(EachAction(NewActionSchema), required=True, least=1, most=100)


class WeRunSchema(Schema):
    """What wx.getWeRunData gave the client."""

    encrypted_data = Text(required=True, shortest=1, longest=20_000)
    iv = Text(required=True, shortest=1, longest=100)


class UsedFactorSchema(Schema):
    """An emission factor in the version that was used."""

    name = fields.String(required=True)
    value = fields.Float(required=True)
    unit = fields.String(required=True, metadata={"example": "mg/m"})
    source = fields.String(required=True)
    region = fields.String(required=True)
    valid_from = fields.String(required=True, metadata={"format": "date"})
    version = fields.Integer(required=True)


class MeasuredSchema(Schema):
    """Activity data as it was given, in the task's unit."""

    quantity = fields.Float(required=True, metadata={"example": 2000})
    unit = fields.String(required=True)


class ExplanationSchema(Schema):
    """How the grams follow from the activity data."""

    formula = fields.String(
        required=True,
        metadata={
            "example": "floor(2000 m × (104 − 8.7) mg/m) = 190600 mg",
            "description": "`unquantified` without a published factor; without ` = …` where nothing is credited",
        },
    )
    activity = fields.Nested(MeasuredSchema, required=True)
    factors = fields.List(fields.Nested(UsedFactorSchema), required=True)
    baseline_g = fields.Float(required=True)
    project_g = fields.Float(required=True)
    co2e_g = fields.Float(required=True)


class _OutcomeSchema(Schema):
    """An action and what it came to, just recorded or long stored."""

    id = fields.String(required=True, metadata={"example": "1024-17"})
    task = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES), "example": "credited"})
    evidence = fields.String(required=True, metadata={"enum": list(TIERS), "description": "Evidence tier"})
    occurred_at = fields.String(required=True, metadata={"format": "date-time"})
    co2e_g = fields.Float(required=True)
    points = fields.Integer(required=True)
    points_capped_by = fields.String()
    quantified = fields.Boolean(required=True)
    explanation = fields.Nested(ExplanationSchema, required=True)


class RecordedActionSchema(_OutcomeSchema):
    """An action that has just been recorded, and the wallet after it."""

    status = fields.String(required=True, metadata={"enum": ["credited", "pending"]})
    wallet = fields.Nested(BalanceSchema, required=True)


class ActionSchema(_OutcomeSchema):
    """An action and what it came to."""

    reason = fields.String(
        metadata={"description": "Why: an admin's words, or a slug such as `account-cancelled`, `replaced-by-partner`"}
    )


class ActionsQuerySchema(PageQuerySchema):
    """Which actions."""

    task = Text(longest=64)
    status = fields.String(validate=validate.OneOf(STATUSES))


class ResultSchema(Schema):
    """What became of one action of a batch."""

    index = fields.Integer(required=True)
    status = fields.String(required=True, metadata={"enum": ["credited", "pending", "duplicate", "refused"]})
    reason = fields.String()
    message = fields.String()
    id = fields.String()
    co2e_g = fields.Float()
    points = fields.Integer()
    points_capped_by = fields.String()


class ResultsSchema(Schema):
    """What became of each, in the order given."""

    results = fields.List(fields.Nested(ResultSchema), required=True)
    wallet = fields.Nested(BalanceSchema, required=True)


class DaySchema(Schema):
    """What became of the steps of one day."""

    day = fields.String(required=True, metadata={"format": "date"})
    steps = fields.Integer(required=True)
    status = fields.String(required=True)
    reason = fields.String()
    co2e_g = fields.Float()
    points = fields.Integer()


class DaysSchema(Schema):
    """The days that were looked at, oldest first."""

    days = fields.List(fields.Nested(DaySchema), required=True)
    wallet = fields.Nested(BalanceSchema, required=True)
