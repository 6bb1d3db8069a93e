"""Admin routes of factors and methodologies."""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.etags import IfMatchSchema, tagged
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.emissions import editing
from backend.emissions.editing import FactorDraft, MethodologyDraft
from backend.emissions.models import EmissionFactor, Methodology
from backend.emissions.schemas import (
    FactorChangeSchema,
    FactorPageSchema,
    FactorSchema,
    MethodologyChangeSchema,
    MethodologyPageSchema,
    MethodologySchema,
    NewFactorSchema,
    NewMethodologySchema,
)
from backend.errors import AlreadyExistsError
from backend.web import refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, PageQuerySchema

blueprint = Blueprint("admin emissions", __name__, url_prefix="/admin", description="Factors and methodologies")


@blueprint.get("/factors")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, FactorPageSchema)
def list_factors(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All emission factors in their latest version"""
    return editing.page(EmissionFactor, **query)


@blueprint.get("/factors/<code>")
@admin_only("operator")
@blueprint.response(200, FactorSchema)
@tagged
def show_factor(code: str, *, admin: Admin) -> EmissionFactor:  # noqa: ARG001  every admin route gets one
    """The latest version of a factor"""
    return editing.latest(EmissionFactor, code)


@blueprint.get("/factors/<code>/versions")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, FactorPageSchema)
def list_factor_versions(query: dict[str, Any], code: str, *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All versions of a factor, newest first"""
    return editing.versions(EmissionFactor, code, **query)


@blueprint.post("/factors")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewFactorSchema)
@blueprint.response(201, FactorSchema)
@tagged
def add_factor(wanted: dict[str, Any], *, admin: Admin) -> EmissionFactor:
    """Add an emission factor"""
    return editing.add_factor(wanted.pop("code"), FactorDraft(**wanted), by=admin.actor)


@blueprint.patch("/factors/<code>")
@admin_only("operator")
@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)
@blueprint.arguments(FactorChangeSchema(partial=True))
@blueprint.response(200, FactorSchema)
@tagged
def change_factor(changes: dict[str, Any], code: str, *, expected: int, admin: Admin) -> EmissionFactor:
    """Make the next version of a factor; actions that were credited keep theirs"""
    return editing.change_factor(code, changes, expected=expected, by=admin.actor)


@blueprint.get("/methodologies")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, MethodologyPageSchema)
def list_methodologies(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All methodologies in their latest version"""
    return editing.page(Methodology, **query)


@blueprint.get("/methodologies/<code>")
@admin_only("operator")
@blueprint.response(200, MethodologySchema)
@tagged
def show_methodology(code: str, *, admin: Admin) -> Methodology:  # noqa: ARG001  every admin route gets one
    """The latest version of a methodology"""
    return editing.latest(Methodology, code)


@blueprint.get("/methodologies/<code>/versions")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, MethodologyPageSchema)
def list_methodology_versions(query: dict[str, Any], code: str, *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All versions of a methodology, newest first"""
    return editing.versions(Methodology, code, **query)


@blueprint.post("/methodologies")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewMethodologySchema)
@blueprint.response(201, MethodologySchema)
@tagged
def add_methodology(wanted: dict[str, Any], *, admin: Admin) -> Methodology:
    """Add a methodology"""
    return editing.add_methodology(wanted.pop("code"), MethodologyDraft(**wanted), by=admin.actor)


@blueprint.patch("/methodologies/<code>")
@admin_only("operator")
@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)
@blueprint.arguments(MethodologyChangeSchema(partial=True))
@blueprint.response(200, MethodologySchema)
@tagged
def change_methodology(changes: dict[str, Any], code: str, *, expected: int, admin: Admin) -> Methodology:
    """Make the next version of a methodology; actions that were credited keep theirs"""
    return editing.change_methodology(code, changes, expected=expected, by=admin.actor)
