"""Rewards, and a resident's redemptions."""

from typing import Any

from flask import Response, make_response

from backend import clock
from backend.errors import NotFoundError
from backend.residents.auth import caller_by_token, signed_in
from backend.residents.idempotency import idempotent
from backend.residents.models import Resident
from backend.rewards import answering, deciding, reading, redeeming
from backend.rewards.early_refusal import refused_early
from backend.rewards.schemas import (
    NewRedemptionSchema,
    RedemptionPageSchema,
    RedemptionSchema,
    RedemptionsQuerySchema,
    RewardPageSchema,
    RewardSchema,
    RewardsQuerySchema,
)
from backend.web import caller, public_ids, refuses
from backend.web.blueprint import Blueprint
from backend.web.idempotency import answer_of, of_request, takes_key
from backend.web.paging import Page

blueprint = Blueprint("rewards", __name__, description="Rewards: what points can be redeemed for")


@blueprint.get("/rewards")
@signed_in
@blueprint.arguments(RewardsQuerySchema, location="query")
@blueprint.response(200, RewardPageSchema)
def list_rewards(query: dict[str, Any], *, resident: Resident) -> Page:
    """Rewards, and whether I can redeem them now"""
    page = reading.list_shown(resident_id=resident.resident_id, now=clock.now(), **query)
    return Page([answering.reward(shown) for shown in page.items], page.next_cursor)


@blueprint.get("/rewards/<int:reward_id>")
@signed_in
@blueprint.response(200, RewardSchema)
def get_reward(reward_id: int, *, resident: Resident) -> dict[str, Any]:
    """One reward"""
    return answering.reward(reading.show(reward_id, resident_id=resident.resident_id, now=clock.now()))


@blueprint.post("/redemptions")
@refused_early
@caller("resident")
@takes_key(required=True)
@refuses(*redeeming.REFUSALS)
@blueprint.arguments(NewRedemptionSchema)
@blueprint.response(201, RedemptionSchema)
def redeem(given: dict[str, Any]) -> Response:
    """Redeem points for a reward

    At its present price. A voucher's code is in the answer; what is sent or picked up is reserved until it is
    handed over, is cancelled, or expires.
    """
    me, request = caller_by_token(), of_request(required=True)
    status, body, repeated = redeeming.redeem_once(
        redeeming.Wanted(**given), caller=me, request=request, render=answering.written
    )
    return answer_of((status, body)) if repeated else make_response(body, status)


@blueprint.get("/redemptions")
@signed_in
@blueprint.arguments(RedemptionsQuerySchema, location="query")
@blueprint.response(200, RedemptionPageSchema)
def list_redemptions(query: dict[str, Any], *, resident: Resident) -> Page:
    """My redemptions, newest first"""
    page = reading.list_redemptions(resident_id=resident.resident_id, **query)
    return Page([answering.redemption(redeemed) for redeemed in page.items], page.next_cursor)


@blueprint.get("/redemptions/<redemption_id>")
@signed_in
@blueprint.response(200, RedemptionSchema)
def get_redemption(redemption_id: str, *, resident: Resident) -> dict[str, Any]:
    """One of my redemptions, with where it is sent"""
    found = reading.redemption(*_own(redemption_id, resident))
    return answering.redemption_with_delivery(reading.with_rewards([found])[0])


@blueprint.post("/redemptions/<redemption_id>/cancel")
@signed_in
@idempotent()
@refuses(deciding.RedemptionDecidedError)
@blueprint.response(200, RedemptionSchema)
def cancel_redemption(redemption_id: str, *, resident: Resident) -> dict[str, Any]:
    """Cancel a redemption that is still reserved: the points come back"""
    owner, seq = _own(redemption_id, resident)
    return answering.redemption(deciding.cancel(owner, seq, now=clock.now()))


def _own(redemption_id: str, resident: Resident) -> tuple[int, int]:
    owner, seq = public_ids.parse(redemption_id)
    if owner != resident.resident_id:
        raise NotFoundError
    return owner, seq
