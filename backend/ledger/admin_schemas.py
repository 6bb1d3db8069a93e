"""What admins send and see of adjustments."""

from typing import Any

from marshmallow import Schema, fields, validate

from backend.ledger.adjusting import STATUSES
from backend.web import public_ids
from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import NOT_BLANK, NOT_ZERO, Instant, Text

MOST = 1_000_000
"""Points of one adjustment; more is a mistake of the keyboard."""


class NewAdjustmentSchema(Schema):
    """Points to be given (above 0) or taken (below 0)."""

    resident_id = fields.Integer(strict=True, required=True, validate=validate.Range(1, 2**63 - 1))
    points = fields.Integer(
        strict=True,
        required=True,
        validate=[validate.Range(-MOST, MOST), NOT_ZERO],
        metadata={"example": 50},
    )
    reason = Text(
        required=True,
        longest=500,
        validate=[NOT_BLANK],
        metadata={"example": "Prize of the school contest"},
    )


class AdjustmentSchema(Schema):
    """An adjustment and what became of it."""

    id = fields.Function(
        lambda row: public_ids.text(row.resident_id, row.id), metadata={"type": "string", "example": "1024-3"}
    )
    resident_id = fields.Integer(required=True)
    points = fields.Integer(required=True)
    reason = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    requested_by = fields.String(required=True)
    requested_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = Instant(required=True, allow_none=True)


class AdjustmentsQuerySchema(PageQuerySchema):
    """Which adjustments."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


AdjustmentPageSchema: Any = page_schema(AdjustmentSchema)
