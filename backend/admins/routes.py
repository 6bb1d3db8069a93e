"""Admins' own routes: signing in, the second factor, and the owner's management of admins."""

from typing import Any

from backend.admins import managing, second_factor, signing_in
from backend.admins.auth import AdminToken, own_account
from backend.admins.auth import admin as admin_only
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.admins.schemas import (
    AdminChangeSchema,
    AdminPageSchema,
    AdminSchema,
    AdminSignInSchema,
    AdminTokenSchema,
    EnrolmentSchema,
    NewAdminSchema,
    OtpSchema,
    ProofSchema,
)
from backend.errors import AlreadyExistsError
from backend.web import caller, refuses
from backend.web.blueprint import Blueprint
from backend.web.limits import limited_by_address
from backend.web.paging import Page, PageQuerySchema

blueprint = Blueprint("admins", __name__, url_prefix="/admin", description="Admins: signing in, roles")


@blueprint.post("/auth")
@caller("public")
@refuses(signing_in.BadCredentialsError)
@limited_by_address("admin-sign-in")
@blueprint.arguments(AdminSignInSchema)
@blueprint.response(200, AdminTokenSchema)
def sign_in(given: dict[str, Any]) -> AdminToken:
    """Sign in as an admin

    Where the site requires a second factor, a session that was begun without one opens nothing but what it takes to
    enrol it.
    """
    return signing_in.sign_in(**given)


@blueprint.get("/me")
@own_account
@blueprint.response(200, AdminSchema)
def show_me(*, admin: Admin) -> Admin:
    """Who am I, and what may I do"""
    return admin


@blueprint.post("/me/totp")
@own_account
@blueprint.arguments(ProofSchema)
@blueprint.response(200, EnrolmentSchema)
def enrol(given: dict[str, Any], *, admin: Admin) -> second_factor.Enrolment:
    """Begin a second factor; it is in force once confirmed

    Where one is in force, it takes a code of that one, in a session that was begun with it.
    """
    signing_in.prove_again(admin, **given)
    return second_factor.enrol(admin)


@blueprint.post("/me/totp/confirm")
@own_account
@refuses(second_factor.NothingToConfirmError, second_factor.WrongCodeError)
@blueprint.arguments(OtpSchema)
@blueprint.response(200, AdminSchema)
def confirm(given: dict[str, Any], *, admin: Admin) -> Admin:
    """Confirm the new second factor with its first code

    The session stays as it was begun: sign in again with the next code where the site requires a second factor.
    """
    second_factor.confirm(admin, otp=given["otp"])
    return admin


@blueprint.get("/admins")
@admin_only()
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, AdminPageSchema)
def list_admins(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  who asks does not matter
    """All admins"""
    return managing.page(**query)


@blueprint.get("/admins/<int:admin_id>")
@admin_only()
@blueprint.response(200, AdminSchema)
def show_admin(admin_id: int, *, admin: Admin) -> Admin:  # noqa: ARG001  who asks does not matter
    """One admin"""
    return managing.find(admin_id)


@blueprint.post("/admins")
@admin_only()
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewAdminSchema)
@blueprint.response(201, AdminSchema)
def create(wanted: dict[str, Any], *, admin: Admin) -> Admin:
    """Make an admin"""
    return managing.create(**wanted, by=admin.actor)


@blueprint.patch("/admins/<int:admin_id>")
@admin_only()
@refuses(managing.LastOwnerError)
@blueprint.arguments(AdminChangeSchema)
@blueprint.response(200, AdminSchema)
def change(wanted: dict[str, Any], admin_id: int, *, admin: Admin) -> Admin:
    """Change an admin's role, state or password"""
    return managing.change(admin_id, **wanted, by=admin.actor)


@blueprint.delete("/admins/<int:admin_id>/totp")
@admin_only()
@blueprint.response(200, AdminSchema)
def remove_second_factor(admin_id: int, *, admin: Admin) -> Admin:
    """Remove the second factor of an admin who lost it"""
    return managing.remove_second_factor(admin_id, by=admin.actor)
