"""Admin routes of residents."""

from typing import Any

from backend.account import administering
from backend.account.admin_schemas import (
    AdminResidentPageSchema,
    AdminResidentSchema,
    ResidentsQuerySchema,
)
from backend.account.administering import Account
from backend.admins.auth import admin as admin_only
from backend.admins.models import Admin
from backend.web.blueprint import Blueprint
from backend.web.paging import Page
from backend.web.schemas import ReasonSchema

blueprint = Blueprint("admin residents", __name__, url_prefix="/admin", description="Residents and their wallets")


@blueprint.get("/residents")
@admin_only("operator")
@blueprint.arguments(ResidentsQuerySchema, location="query")
@blueprint.response(200, AdminResidentPageSchema)
def search_residents(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """Residents by the beginning of the nickname, or by id"""
    return administering.search(**query)


@blueprint.get("/residents/<int:resident_id>")
@admin_only("operator")
@blueprint.response(200, AdminResidentSchema)
def show_resident(resident_id: int, *, admin: Admin) -> Account:  # noqa: ARG001  every admin route gets one
    """One resident"""
    return administering.find(resident_id)


@blueprint.post("/residents/<int:resident_id>/freeze")
@admin_only("operator")
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, AdminResidentSchema)
def freeze_resident(given: dict[str, str], resident_id: int, *, admin: Admin) -> Account:
    """Freeze a resident: nothing is earned or spent"""
    return administering.set_frozen(resident_id, frozen=True, reason=given["reason"], by=admin.actor)


@blueprint.post("/residents/<int:resident_id>/unfreeze")
@admin_only("operator")
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, AdminResidentSchema)
def unfreeze_resident(given: dict[str, str], resident_id: int, *, admin: Admin) -> Account:
    """Unfreeze a resident"""
    return administering.set_frozen(resident_id, frozen=False, reason=given["reason"], by=admin.actor)
