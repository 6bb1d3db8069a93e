"""What admins see of residents."""

from typing import Any

from marshmallow import Schema, fields

from backend.account.administering import Account
from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import Instant, Text, grams


class ResidentsQuerySchema(PageQuerySchema):
    """Which residents."""

    query = Text(
        load_default="",
        longest=64,
        metadata={"description": "How the nickname begins, or the exact id", "example": "Lin"},
    )


class AdminWalletSchema(Schema):
    """The state of a resident's two books."""

    balance = fields.Integer(required=True)
    held = fields.Integer(required=True)
    earned = fields.Integer(required=True)
    spent = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    adjusted = fields.Integer(required=True)
    actions = fields.Integer(required=True)
    co2e_g = fields.Function(
        lambda wallet: grams(wallet.co2e_mg), required=True, metadata={"type": "number", "example": 190.6}
    )
    frozen = fields.Boolean(required=True, metadata={"description": "Earns and spends nothing"})


class AdminResidentSchema(Schema):
    """A resident."""

    id = fields.Integer(required=True)
    nickname = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": ["active", "erased"]})
    district = fields.String(required=True, allow_none=True)
    community = fields.String(required=True, allow_none=True)
    simulated = fields.Boolean(required=True)
    joined_at = Instant(required=True)
    wallet = fields.Nested(AdminWalletSchema, required=True)

    def get_attribute(self, obj: Account, attr: str, default: Any) -> Any:
        """Most lies in the resident's own row."""
        if attr == "id":
            return obj.resident.resident_id
        return getattr(obj if hasattr(obj, attr) else obj.resident, attr, default)


AdminResidentPageSchema: Any = page_schema(AdminResidentSchema)
