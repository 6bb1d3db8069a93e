"""Signing in, and a resident's own pages."""

from typing import Any

from flask import Response, jsonify, stream_with_context

from backend.account import cancelling, exporting, profile, reduction, statement
from backend.account.schemas import (
    EntrySchema,
    ExportSchema,
    ProfileSchema,
    ReductionQuerySchema,
    ReductionSchema,
    SignedInSchema,
    WalletSchema,
)
from backend.residents.auth import Caller, caller_by_token, signed_in
from backend.residents.models import Resident
from backend.residents.schemas import ChangesSchema, SignInSchema
from backend.residents.wechat import InvalidCodeError
from backend.web import caller, refuses
from backend.web.blueprint import Blueprint
from backend.web.limits import limited_by_address
from backend.web.paging import PageQuerySchema, decode_number, page_schema

blueprint = Blueprint("account", __name__, description="Signing in, and my own pages")


@blueprint.post("/auth/wechat")
@caller("public")
@refuses(InvalidCodeError)
@limited_by_address("sign-in")
@blueprint.arguments(SignInSchema, example={"code": "dev-lin"})
@blueprint.response(200, SignedInSchema)
def sign_in_with_wechat(given: dict[str, str]) -> dict[str, Any]:
    """Sign in with WeChat

    The first time makes the resident.
    """
    return profile.sign_in(given["code"])


@blueprint.get("/me")
@caller("resident")
@blueprint.response(200, ProfileSchema)
def get_me() -> Response:
    """My profile"""
    return jsonify(profile.show(caller_by_token()))


@blueprint.patch("/me")
@signed_in
@blueprint.arguments(ChangesSchema, example={"nickname": "Lin", "leaderboard_consent": True})
@blueprint.response(200, ProfileSchema)
def change_me(changes: dict[str, Any], *, resident: Resident) -> dict[str, Any]:
    """Change my profile

    What is left out stays. Without consent, leaderboards show neither nickname nor avatar.
    """
    return profile.change(Caller(resident.resident_id, resident.token_epoch), changes)


@blueprint.delete("/me")
@caller("resident")
@blueprint.response(204)
def cancel_me() -> None:
    """Cancel my account

    Removes everything personal and ends all sessions. The books stay, without a person.
    Repeating it does no harm. Who signs in again is for a while frozen, in debt and limited as before.
    """
    cancelling.cancel(caller_by_token())


@blueprint.get("/me/wallet")
@caller("resident")
@blueprint.response(200, WalletSchema)
def get_wallet() -> Response:
    """My points"""
    return jsonify(statement.wallet(caller_by_token()))


@blueprint.get("/me/wallet/entries")
@caller("resident")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, page_schema(EntrySchema))
def list_entries(query: dict[str, Any]) -> Response:
    """My statement, newest first"""
    before = decode_number(query["cursor"])
    page = statement.entries(caller_by_token(), limit=query["limit"], before=before)
    return Response(page, content_type="application/json")


@blueprint.get("/me/reduction")
@caller("resident")
@blueprint.arguments(ReductionQuerySchema, location="query")
@blueprint.response(200, ReductionSchema)
def get_reduction(query: dict[str, str]) -> dict[str, Any]:
    """My reduction, in all and by task or month"""
    by = frozenset(filter(None, query["by"].split(",")))
    return reduction.show(caller_by_token(), by=by)


@blueprint.get("/me/export")
@signed_in
@blueprint.response(200, ExportSchema)
def export_me(*, resident: Resident) -> Response:
    """Everything that is held about me, as a file"""
    parts = exporting.export(resident.resident_id)
    response = Response(stream_with_context(parts), content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="tanhui-export.json"'
    response.cache_control.no_store = True
    return response
