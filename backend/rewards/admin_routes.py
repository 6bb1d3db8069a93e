"""Configuring rewards: terms, stock and voucher codes."""

from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from backend.admins.auth import admin as admin_only
from backend.admins.etags import IfMatchSchema, tagged
from backend.admins.idempotency import idempotent
from backend.admins.models import Admin
from backend.errors import AlreadyExistsError, ValidationFailedError
from backend.rewards import configuring, reading, stocking, vouchers
from backend.rewards.admin_schemas import (
    AdminRewardPageSchema,
    AdminRewardSchema,
    LoadedSchema,
    NewRewardSchema,
    RewardTermsSchema,
    StockChangeSchema,
)
from backend.rewards.models import Reward
from backend.web import refuses, takes_large_bodies
from backend.web.blueprint import Blueprint, UnsupportedMediaTypeError
from backend.web.paging import Page, PageQuerySchema

CODES_BODY = {
    "required": True,
    "description": "Codes in UTF-8, one a line, at most 100 characters each; blank lines do not count",
    "content": {
        "text/plain": {"schema": {"type": "string"}, "example": "AB12-CD34\nEF56-GH78\n"},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            },
            "example": {"file": "AB12-CD34\nEF56-GH78\n"},
        },
    },
}

blueprint = Blueprint("admin rewards", __name__, url_prefix="/admin", description="Configure rewards")


class NotTextError(UnsupportedMediaTypeError):
    """The codes are neither plain text nor a file of a form."""

    title = _l("Send the codes as text/plain, or as multipart/form-data with a part named file.")


@blueprint.get("/rewards")
@admin_only("operator")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, AdminRewardPageSchema)
def list_all_rewards(query: dict[str, Any], *, admin: Admin) -> Page:  # noqa: ARG001  every admin route gets one
    """All rewards, also those that are hidden"""
    return reading.list_all(**query)


@blueprint.get("/rewards/<int:reward_id>")
@admin_only("operator")
@blueprint.response(200, AdminRewardSchema)
@tagged
def show_reward(reward_id: int, *, admin: Admin) -> Reward:  # noqa: ARG001  every admin route gets one
    """One reward"""
    return reading.find(reward_id)


@blueprint.post("/rewards")
@admin_only("operator")
@idempotent()
@refuses(AlreadyExistsError)
@blueprint.arguments(NewRewardSchema)
@blueprint.response(201, AdminRewardSchema)
@tagged
def add_reward(wanted: dict[str, Any], *, admin: Admin) -> Reward:
    """Add a reward"""
    return configuring.create(wanted, by=admin.actor)


@blueprint.patch("/rewards/<int:reward_id>")
@admin_only("operator")
@blueprint.arguments(IfMatchSchema, location="headers", as_kwargs=True)
@blueprint.arguments(RewardTermsSchema(partial=True))
@blueprint.response(200, AdminRewardSchema)
@tagged
def change_reward(changes: dict[str, Any], reward_id: int, *, expected: int, admin: Admin) -> Reward:
    """Change a reward's terms; what was redeemed keeps its own"""
    return configuring.change(reward_id, changes, expected=expected, by=admin.actor)


@blueprint.post("/rewards/<int:reward_id>/stock")
@admin_only("operator")
@idempotent()
@refuses(stocking.OutOfStockError, stocking.StockOfVouchersError, stocking.StockUnlimitedError)
@blueprint.arguments(StockChangeSchema)
@blueprint.response(200, AdminRewardSchema)
def move_stock(given: dict[str, Any], reward_id: int, *, admin: Admin) -> Reward:
    """Add pieces to the stock, or take some away; never below zero"""
    return stocking.move(reward_id, **given, by=admin.actor)


@blueprint.post("/rewards/<int:reward_id>/vouchers")
@takes_large_bodies
@admin_only("operator")
@idempotent()
@refuses(vouchers.NotAVoucherError, NotTextError)
@blueprint.doc(requestBody=CODES_BODY)
@blueprint.response(200, LoadedSchema)
def load_vouchers(reward_id: int, *, admin: Admin) -> vouchers.Loaded:
    """Load voucher codes from a text file

    What is there already is named with its line, and so is what cannot be a code; the rest is loaded.
    """
    return vouchers.load(reward_id=reward_id, text=_codes(), by=admin.actor)


def _codes() -> str:
    if request.mimetype == "text/plain":
        content = request.get_data()
    elif request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise ValidationFailedError.of({"file": gettext("Send the codes as a part named file.")})
        content = file.read()
    else:
        raise NotTextError
    # What is not UTF-8 is named line by line further in, and must not hold up the rest.
    return content.decode("utf-8", errors="surrogateescape")
