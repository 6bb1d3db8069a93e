"""What admins send and see about themselves and the trail."""

from marshmallow import Schema, fields, validate

from backend.admins.models import ROLES
from backend.admins.passwords import LONGEST
from backend.web.paging import PageQuerySchema, page_schema
from backend.web.schemas import Flag, Instant, Text


class AdminSignInSchema(Schema):
    """Who signs in."""

    username = Text(required=True, longest=40, metadata={"example": "wang.li"})
    password = Text(required=True, longest=LONGEST, metadata={"example": "correct horse battery staple"})
    otp = Text(
        load_default=None,
        allow_none=True,
        longest=6,
        metadata={"description": "The one-time code, once a second factor is enrolled", "example": "123456"},
    )


class AdminTokenSchema(Schema):
    """A bearer token for the admin API."""

    token = fields.String(required=True)
    expires_at = Instant(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))


class NewAdminSchema(Schema):
    """An admin to be made."""

    username = Text(required=True, longest=40, metadata={"description": "a-z, 0-9, dot, dash, underscore"})
    password = Text(required=True, longest=LONGEST, metadata={"description": "12 characters or more"})
    role = fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"example": "reviewer"})


class AdminChangeSchema(Schema):
    """What is to change; what is left out stays. Every change ends the admin's sessions."""

    role = fields.String(validate=validate.OneOf(ROLES), metadata={"example": "operator"})
    disabled = Flag(metadata={"description": "May not sign in"})
    password = Text(longest=LONGEST, metadata={"description": "12 characters or more"})


class AdminSchema(Schema):
    """An admin."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    second_factor = fields.Function(
        lambda admin: admin.totp_secret is not None,
        metadata={"type": "boolean", "description": "Whether a one-time code is asked for"},
    )
    disabled_at = Instant(required=True, allow_none=True)
    locked_until = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


class ProofSchema(Schema):
    """What proves once more who the admin is."""

    password = Text(required=True, longest=LONGEST, metadata={"example": "correct horse battery staple"})
    otp = Text(
        load_default=None,
        allow_none=True,
        longest=6,
        metadata={"description": "A code of the second factor in force, if there is one", "example": "123456"},
    )


class EnrolmentSchema(Schema):
    """A new second factor, shown this once; in force after its first code."""

    secret = fields.String(required=True, metadata={"description": "Base32, to type into an authenticator"})
    uri = fields.String(required=True, metadata={"description": "otpauth address, to show as a QR code"})


class OtpSchema(Schema):
    """A one-time code."""

    otp = Text(required=True, longest=6, shortest=6, metadata={"example": "123456"})


class AuditQuerySchema(PageQuerySchema):
    """Which part of the trail."""

    object_kind = Text(load_default=None, longest=40, metadata={"description": "Such as task, factor, reward"})
    object_id = Text(load_default=None, longest=80, metadata={"description": "Id or code of the object"})
    actor = Text(load_default=None, longest=60, metadata={"description": "`admin:<username>` or `<username>`"})


class AuditRowSchema(Schema):
    """One change: who, what, when, and the members that differ."""

    id = fields.Integer(required=True)
    at = Instant(required=True)
    actor = fields.Function(
        lambda row: f"{row.actor_kind}:{row.actor}", metadata={"type": "string", "example": "admin:wang.li"}
    )
    action = fields.String(required=True, metadata={"example": "task.changed"})
    object_kind = fields.String(required=True, metadata={"example": "task"})
    object_id = fields.String(required=True, metadata={"example": "bike_ride"})
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)


AdminPageSchema = page_schema(AdminSchema)
AuditPageSchema = page_schema(AuditRowSchema)
