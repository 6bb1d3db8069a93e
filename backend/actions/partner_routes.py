"""Partners' feed, and residents' bindings to partners."""

import json
from typing import Any

from flask import Response, request

from backend import clock
from backend.actions import binding
from backend.actions.feed_schemas import (
    EXAMPLE_EVENT,
    BindingsSchema,
    BoundSchema,
    EventResultsSchema,
    EventsSchema,
    NewBindingSchema,
)
from backend.actions.receiving import receive
from backend.errors import NotFoundError
from backend.ledger.service import ResidentFrozenError
from backend.partners.auth import PartnerInactiveError, signed
from backend.partners.bindings import AlreadyBoundError
from backend.partners.models import Partner
from backend.partners.proofs import InvalidProofError
from backend.residents.auth import signed_in
from backend.residents.idempotency import idempotent
from backend.residents.models import Resident
from backend.web import refuses, takes_large_bodies
from backend.web.blueprint import Blueprint

blueprint = Blueprint("partners", __name__, description="Partners report; residents say which accounts are theirs")


@blueprint.post("/partner/events")
@takes_large_bodies
@signed
@refuses(PartnerInactiveError)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": EventsSchema, "example": {"events": [EXAMPLE_EVENT]}}},
    }
)
@blueprint.response(200, EventResultsSchema)
def receive_events(*, partner: Partner) -> Response:
    """Report what your users did

    Up to 5,000 events in a signed request (X-Partner-Key, X-Timestamp, X-Nonce, X-Signature). Each event has its
    own outcome and counts once, so a page can be sent again. Events of a subject that no resident has bound yet
    wait as long as the site's UNBOUND_DAYS says; 30 by default.
    """
    answer = receive(request.get_data(), partner=partner, now=clock.now())
    return Response(json.dumps(answer), content_type="application/json")


@blueprint.post("/me/bindings")
@signed_in
@idempotent()
@refuses(AlreadyBoundError, InvalidProofError, NotFoundError, ResidentFrozenError)
@blueprint.arguments(
    NewBindingSchema, example={"partner": "bikes", "subject": "u-759", "proof": f"1795507380.{'0' * 64}"}
)
@blueprint.response(201, BoundSchema)
def bind_account(given: dict[str, str], *, resident: Resident) -> dict[str, Any]:
    """Bind an account at a partner

    Takes the proof that the partner gave its signed-in user. What waited for the account is credited at once. Show
    beforehand that the partner learns what its reports come to: binding records the consent to that.
    """
    return binding.bind(
        resident_id=resident.resident_id,
        partner_code=given["partner"],
        subject=given["subject"],
        proof=given["proof"],
        now=clock.now(),
    )


@blueprint.get("/me/bindings")
@signed_in
@blueprint.response(200, BindingsSchema)
def list_bindings(*, resident: Resident) -> dict[str, Any]:
    """My accounts at partners"""
    return {"items": binding.list_bindings(resident.resident_id), "next_cursor": None}


@blueprint.delete("/me/bindings/<partner>")
@signed_in
@blueprint.response(204)
def unbind_account(partner: str, *, resident: Resident) -> None:
    """Unbind my accounts at a partner: what it reports from now on is not credited to me

    Withdraws the consent that binding recorded.
    """
    binding.unbind(resident_id=resident.resident_id, partner_code=partner, now=clock.now())
