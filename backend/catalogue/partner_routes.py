"""Admin routes of partners.

They stand here and not in `partners`, which lies below: the catalogue knows which tasks a partner may report.
"""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.etags import IfMatchSchema, tagged
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.catalogue import service as catalogue
from backend.errors import AlreadyExistsError
from backend.partners import editing
from backend.partners.admin_schemas import (
    AdminPartnerPageSchema,
    AdminPartnerSchema,
    NewPartnerKeySchema,
    NewPartnerSchema,
    PartnerChangeSchema,
    PartnerKeysSchema,
)
from backend.partners.editing import NewKey, PartnerDraft
from backend.partners.models import Partner
from backend.web import refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, PageQuerySchema

blueprint = Blueprint("admin partners", __name__, url_prefix="/admin", description="Partners and their keys")


@blueprint.get("/partners")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, AdminPartnerPageSchema)
def list_partners(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All partners"""
    return editing.page(**query)


@blueprint.get("/partners/<int(max=2147483647):partner_id>")
@admin_only("operator")
@blueprint.response(200, AdminPartnerSchema)
@tagged
def show_partner(partner_id: int, *, admin: Admin) -> Partner:  # noqa: ARG001  every admin route gets one
    """One partner"""
    return editing.find(partner_id)


@blueprint.post("/partners")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewPartnerSchema)
@blueprint.response(201, AdminPartnerSchema)
@tagged
def add_partner(wanted: dict[str, Any], *, admin: Admin) -> Partner:
    """Add a partner; give it a key next"""
    code = wanted.pop("code")
    return editing.add(code, PartnerDraft(**wanted), accepted=_accepted(), by=admin.actor)


@blueprint.patch("/partners/<int(max=2147483647):partner_id>")
@admin_only("operator")
@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)
@blueprint.arguments(PartnerChangeSchema(partial=True))
@blueprint.response(200, AdminPartnerSchema)
@tagged
def change_partner(changes: dict[str, Any], partner_id: int, *, expected: int, admin: Admin) -> Partner:
    """Change a partner; inactive, its records are refused"""
    return editing.change(partner_id, changes, expected=expected, accepted=_accepted(), by=admin.actor)


@blueprint.get("/partners/<int(max=2147483647):partner_id>/keys")
@admin_only("operator")
@blueprint.response(200, PartnerKeysSchema)
def list_keys(partner_id: int, *, admin: Admin) -> dict[str, Any]:  # noqa: ARG001  every admin route gets one
    """All keys of a partner, without their secrets"""
    return {"items": editing.keys_of(partner_id)}


@blueprint.post("/partners/<int(max=2147483647):partner_id>/keys")
@admin_only("operator")
@idempotent(sealed=True)
@blueprint.response(201, NewPartnerKeySchema)
def add_key(partner_id: int, *, admin: Admin) -> NewKey:
    """Give a partner a key; the secret is shown this once"""
    return editing.add_key(partner_id, by=admin.actor)


@blueprint.delete("/partners/<int(max=2147483647):partner_id>/keys/<key>")
@admin_only("operator")
@blueprint.response(204)
def revoke_key(partner_id: int, key: str, *, admin: Admin) -> None:
    """Revoke a key for good"""
    editing.revoke_key(partner_id, key, by=admin.actor)


def _accepted() -> editing.Accepted:
    return {code: rules.evidence.keys() for code, rules in catalogue.current().tasks.items()}
