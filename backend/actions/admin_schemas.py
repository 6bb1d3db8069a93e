"""What reviewers send and get."""

from marshmallow import Schema, fields, validate

from backend.actions.models import STATUSES
from backend.actions.schemas import ActionSchema
from backend.web.paging import PageQuerySchema
from backend.web.schemas import Instant, Text


class ReviewQuerySchema(PageQuerySchema):
    """Which actions."""

    status = fields.String(load_default="pending", validate=validate.OneOf(STATUSES), metadata={"example": "pending"})


class ReviewedActionSchema(ActionSchema):
    """An action as a reviewer sees it."""

    resident_id = fields.Integer(required=True)
    evidence_data = fields.Dict(required=True, metadata={"description": "What the resident gave as evidence"})
    posted_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)


class OtherActionSchema(Schema):
    """Another action that bears the same photo."""

    id = fields.String(required=True, metadata={"example": "2048-3"})
    status = fields.String(required=True, metadata={"enum": list(STATUSES), "example": "credited"})


class SamePhotoSchema(Schema):
    """The other actions that bear the same photo, whoever's and whatever became of them."""

    count = fields.Integer(
        required=True,
        metadata={"example": 1, "description": "How many, refused and reversed ones too; 1000: as many or more"},
    )
    actions = fields.List(
        fields.Nested(OtherActionSchema), required=True, metadata={"description": "Up to five of them, oldest first"}
    )


class ListedActionSchema(ReviewedActionSchema):
    """An action in the reviewers' list."""

    same_photo = fields.Nested(
        SamePhotoSchema,
        metadata={"description": "Where else the photo was sent; left out where its SHA-256 was not given"},
    )


class NewCheckInSchema(Schema):
    """A check-in code to show at a place."""

    task = Text(required=True, shortest=1, longest=64, metadata={"example": "event_checkin"})
    place = Text(
        required=True,
        shortest=1,
        longest=64,
        validate=[validate.Regexp(r"^[A-Za-z0-9_-]+\Z")],
        metadata={"example": "park-east-gate"},
    )
    valid_s = fields.Integer(load_default=60, strict=True, validate=validate.Range(10, 3600))


class CheckInSchema(Schema):
    """The token to show as a QR code, and when to fetch the next."""

    token = fields.String(required=True)
    expires_at = Instant(required=True)
