"""Handing rewards over: the work list, pick-up at a counter, sending, cancelling."""

from typing import Any

from backend import clock
from backend.admins.auth import admin as admin_only
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.errors import NotFoundError
from backend.rewards import answering, deciding, reading
from backend.rewards.admin_schemas import (
    FulfilmentPageSchema,
    FulfilmentSchema,
    PickupSchema,
    WorkListQuerySchema,
)
from backend.rewards.reading import Redeemed
from backend.web import public_ids, refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page, Place, decode_place, page_of
from backend.web.schemas import ReasonSchema

SEE_DELIVERIES = frozenset({"fulfiller", "owner"})
"""Roles that may read names, phone numbers and addresses; an auditor reads everything else."""

blueprint = Blueprint("fulfilment", __name__, url_prefix="/admin", description="Hand rewards over")


@blueprint.get("/redemptions")
@admin_only("fulfiller")
@blueprint.arguments(WorkListQuerySchema, location="query")
@blueprint.response(200, FulfilmentPageSchema)
def list_for_fulfilment(query: dict[str, Any], *, admin: Admin) -> Page:
    """Redemptions in one status, oldest first"""
    limit = query["limit"]
    rows = reading.work_list(
        status=query["status"], reward_id=query["reward_id"], limit=limit + 1, after=decode_place(query["cursor"])
    )
    page = page_of(rows, limit=limit, key=_place)
    return Page([_shown(redeemed, admin) for redeemed in page.items], page.next_cursor)


@blueprint.get("/redemptions/<redemption_id>")
@admin_only("fulfiller")
@blueprint.response(200, FulfilmentSchema)
def show_for_fulfilment(redemption_id: str, *, admin: Admin) -> dict[str, Any]:
    """One redemption, with where it is to be sent"""
    found = reading.redemption(*public_ids.parse(redemption_id))
    return _shown(reading.with_rewards([found])[0], admin)


@blueprint.post("/redemptions/pickup")
@admin_only("fulfiller")
@idempotent()
@refuses(NotFoundError, *deciding.FULFIL_REFUSALS)
@blueprint.arguments(PickupSchema)
@blueprint.response(200, FulfilmentSchema)
def hand_over(given: dict[str, str], *, admin: Admin) -> dict[str, Any]:
    """Hand over what a resident's pick-up code stands for"""
    return _decided(deciding.fulfil_by_code(given["pickup_code"], by=admin.actor, now=clock.now()))


@blueprint.post("/redemptions/<redemption_id>/fulfil")
@admin_only("fulfiller")
@idempotent()
@refuses(*deciding.FULFIL_REFUSALS)
@blueprint.response(200, FulfilmentSchema)
def fulfil_redemption(redemption_id: str, *, admin: Admin) -> dict[str, Any]:
    """Note that a redemption was sent or handed over"""
    resident_id, seq = public_ids.parse(redemption_id)
    return _decided(deciding.fulfil(resident_id, seq, by=admin.actor, now=clock.now()))


@blueprint.post("/redemptions/<redemption_id>/cancel")
@admin_only("fulfiller")
@idempotent()
@refuses(deciding.RedemptionDecidedError)
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, FulfilmentSchema)
def call_redemption_off(given: dict[str, str], redemption_id: str, *, admin: Admin) -> dict[str, Any]:
    """Cancel a redemption that is still reserved: points and stock come back"""
    resident_id, seq = public_ids.parse(redemption_id)
    return _decided(deciding.call_off(resident_id, seq, by=admin.actor, reason=given["reason"], now=clock.now()))


def _shown(redeemed: Redeemed, admin: Admin) -> dict[str, Any]:
    return answering.for_fulfilment(redeemed, with_delivery=admin.role in SEE_DELIVERIES)


def _decided(decided: Redeemed) -> dict[str, Any]:
    # Without the delivery: an answer may be stored with its idempotency key.
    return answering.for_fulfilment(decided, with_delivery=False)


def _place(redeemed: Redeemed) -> Place:
    found = redeemed.redemption
    return Place(found.redeemed_at, found.resident_id, found.seq)
