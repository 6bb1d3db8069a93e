"""Admin routes of districts and communities."""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.errors import AlreadyExistsError
from backend.residents import areas
from backend.residents.area_schemas import (
    AdminAreaPageSchema,
    AdminAreaSchema,
    AdminAreasQuerySchema,
    AreaChangeSchema,
    NewAreaSchema,
)
from backend.residents.models import Area
from backend.web import refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page

blueprint = Blueprint("admin areas", __name__, url_prefix="/admin", description="Districts and communities")


@blueprint.get("/areas")
@admin_only("operator")
@blueprint.arguments(AdminAreasQuerySchema, location="query")
@blueprint.response(200, AdminAreaPageSchema)
def list_all_areas(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All districts and communities"""
    return areas.page(**query)


@blueprint.post("/areas")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewAreaSchema)
@blueprint.response(201, AdminAreaSchema)
def add_area(wanted: dict[str, Any], *, admin: Admin) -> Area:
    """Add a district or a community"""
    return areas.add(**wanted, by=admin.actor)


@blueprint.patch("/areas/<code>")
@admin_only("operator")
@blueprint.arguments(AreaChangeSchema)
@blueprint.response(200, AdminAreaSchema)
def rename_area(wanted: dict[str, Any], code: str, *, admin: Admin) -> Area:
    """Change a place's title"""
    return areas.rename(code, title=wanted["title"], by=admin.actor)
