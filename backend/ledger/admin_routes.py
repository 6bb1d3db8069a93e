"""Admin routes of adjustments."""

from typing import Any

from backend.admins.auth import admin as admin_only
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.errors import NotFoundError
from backend.ledger import adjusting
from backend.ledger.adjusting import AdjustmentId
from backend.ledger.admin_schemas import (
    AdjustmentPageSchema,
    AdjustmentSchema,
    AdjustmentsQuerySchema,
    NewAdjustmentSchema,
)
from backend.ledger.models import Adjustment
from backend.web import refuses
from backend.web.blueprint import Blueprint
from backend.web.paging import Page

blueprint = Blueprint("adjustments", __name__, url_prefix="/admin", description="Points given or taken by hand")


@blueprint.get("/adjustments")
@admin_only("operator")
@blueprint.arguments(AdjustmentsQuerySchema, location="query")
@blueprint.response(200, AdjustmentPageSchema)
def list_adjustments(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """Adjustments, newest first"""
    return adjusting.page(**query)


@blueprint.post("/adjustments")
@admin_only("operator")
@idempotent()
@refuses(NotFoundError)
@blueprint.arguments(NewAdjustmentSchema)
@blueprint.response(201, AdjustmentSchema)
def request_adjustment(wanted: dict[str, Any], *, admin: Admin) -> Adjustment:
    """Ask for an adjustment; it takes effect when another admin approves"""
    return adjusting.request(**wanted, by=admin.actor)


@blueprint.post("/adjustments/<adjustment_id>/approve")
@admin_only("operator")
@refuses(adjusting.OwnAdjustmentError, adjusting.AdjustmentDecidedError)
@blueprint.response(200, AdjustmentSchema)
def approve_adjustment(adjustment_id: str, *, admin: Admin) -> Adjustment:
    """Approve another admin's adjustment: the points move now"""
    return adjusting.approve(AdjustmentId.parse(adjustment_id), by=admin.actor)


@blueprint.post("/adjustments/<adjustment_id>/refuse")
@admin_only("operator")
@refuses(adjusting.OwnAdjustmentError, adjusting.AdjustmentDecidedError)
@blueprint.response(200, AdjustmentSchema)
def refuse_adjustment(adjustment_id: str, *, admin: Admin) -> Adjustment:
    """Refuse another admin's adjustment"""
    return adjusting.refuse(AdjustmentId.parse(adjustment_id), by=admin.actor)
