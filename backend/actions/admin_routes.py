"""Reviewing actions."""

from collections.abc import Sequence
from typing import Any

from backend import clock
from backend.actions import check_in, photos, reading, reviewing
from backend.actions.admin_schemas import (
    CheckInSchema,
    ListedActionSchema,
    NewCheckInSchema,
    ReviewedActionSchema,
    ReviewQuerySchema,
)
from backend.actions.models import Action
from backend.actions.reversing import NotReversibleError, reverse
from backend.admins.auth import admin as admin_only
from backend.admins.models import Admin
from backend.web import public_ids, refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, Place, decode_place, page_of, page_schema
from backend.web.schemas import ReasonSchema

blueprint = Blueprint("admin actions", __name__, url_prefix="/admin", description="Review evidence")


@blueprint.get("/actions")
@admin_only("reviewer")
@blueprint.arguments(ReviewQuerySchema, location="query")
@blueprint.response(200, page_schema(ListedActionSchema))
def list_for_review(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """Actions of a status, oldest first; credited ones by resident"""
    rows = reviewing.of_status(status=query["status"], limit=query["limit"] + 1, after=decode_place(query["cursor"]))
    page = page_of(rows, limit=query["limit"], key=_place)
    return Page(_listed(page.items), page.next_cursor)


@blueprint.post("/actions/<action_id>/accept")
@admin_only("reviewer")
@refuses(*reviewing.ACCEPT_REFUSALS)
@blueprint.response(200, ReviewedActionSchema)
def accept_action(action_id: str, *, admin: Admin) -> dict[str, Any]:
    """Accept a pending action: it is credited now"""
    resident_id, seq = public_ids.parse(action_id)
    action = reviewing.accept(resident_id=resident_id, seq=seq, by=admin.actor, now=clock.now())
    return _reviewed([action])[0]


@blueprint.post("/actions/<action_id>/refuse")
@admin_only("reviewer")
@refuses(reviewing.NotPendingError)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, ReviewedActionSchema)
def refuse_action(given: dict[str, str], action_id: str, *, admin: Admin) -> dict[str, Any]:
    """Refuse a pending action"""
    resident_id, seq = public_ids.parse(action_id)
    action = reviewing.refuse(resident_id=resident_id, seq=seq, reason=given["reason"], by=admin.actor, now=clock.now())
    return _reviewed([action])[0]


@blueprint.post("/actions/<action_id>/reverse")
@admin_only("reviewer")
@refuses(NotReversibleError)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, ReviewedActionSchema)
def reverse_action(given: dict[str, str], action_id: str, *, admin: Admin) -> dict[str, Any]:
    """Take a credited action back; the balance may fall below zero"""
    resident_id, seq = public_ids.parse(action_id)
    action = reverse(resident_id=resident_id, seq=seq, reason=given["reason"], by=admin.actor, now=clock.now())
    return _reviewed([action])[0]


@blueprint.post("/check-ins")
@admin_only("operator")
@blueprint.arguments(NewCheckInSchema)
@blueprint.response(200, CheckInSchema)
def new_check_in(given: dict[str, Any], *, admin: Admin) -> check_in.Code:
    """A check-in code for a place, to show as a QR code until it ends"""
    return check_in.offer(**given, by=admin.id)


def _listed(actions: Sequence[Action]) -> list[dict[str, Any]]:
    told = zip(_reviewed(actions), photos.same_photo(actions), strict=True)
    return [shown | ({"same_photo": same} if same else {}) for shown, same in told]


def _reviewed(actions: Sequence[Action]) -> list[dict[str, Any]]:
    return [
        shown
        | {
            "resident_id": action.resident_id,
            "evidence_data": action.evidence or {},
            "posted_at": action.posted_at,
            "decided_by": action.decided_by,
        }
        for action, shown in zip(actions, reading.shown(actions), strict=True)
    ]


def _place(action: Action) -> Place:
    return Place(action.posted_at, action.resident_id, action.seq)
