"""A resident's actions."""

from typing import Any

from flask import Response

from backend.actions import reading, steps, submitting
from backend.actions.refusals import REFUSALS
from backend.actions.schemas import (
    ActionSchema,
    ActionsQuerySchema,
    DaysSchema,
    NewActionSchema,
    NewActionsSchema,
    RecordedActionSchema,
    ResultsSchema,
    WeRunSchema,
)
from backend.errors import NotFoundError
from backend.residents.auth import caller_by_token, signed_in
from backend.residents.idempotency import idempotent
from backend.residents.models import Resident
from backend.residents.wechat import ForeignStepsError, SessionExpiredError, StaleStepsError
from backend.web import caller, public_ids, refuses, takes_large_bodies
from backend.web.blueprint import Blueprint
from backend.web.idempotency import json_answer, of_request, takes_key
from backend.web.paging import Page, decode_number, page_schema

blueprint = Blueprint("actions", __name__, description="Green actions: record them, see what they came to")


@blueprint.post("/actions")
@caller("resident")
@takes_key()
@refuses(*REFUSALS)
@blueprint.arguments(NewActionSchema, example={"task": "own_bag", "occurred_at": "2026-11-24T08:00:00Z"})
@blueprint.response(201, RecordedActionSchema)
def record_action(given: dict[str, Any]) -> Response:
    """Record a green action

    Credited at once, or pending where a reviewer looks at the photo. The explanation says how the grams follow.
    """
    done = submitting.submit(given, caller=caller_by_token(), request=of_request())
    return json_answer(done.status, done.body, repeated=done.repeated)


@blueprint.post("/actions/batch")
@takes_large_bodies
@caller("resident")
@takes_key()
@blueprint.arguments(NewActionsSchema)
@blueprint.response(200, ResultsSchema)
def record_actions(given: dict[str, Any]) -> Response:
    """Record actions of a client that was offline

    Up to 100, taken in order of when they began. Each has its own outcome.
    """
    done = submitting.submit_many(given["actions"], caller=caller_by_token(), request=of_request())
    return json_answer(done.status, done.body, repeated=done.repeated)


@blueprint.post("/actions/steps")
@signed_in
@idempotent()
@refuses(SessionExpiredError, ForeignStepsError, StaleStepsError)
@blueprint.arguments(WeRunSchema)
@blueprint.response(200, DaysSchema)
def record_steps(given: dict[str, str], *, resident: Resident) -> dict[str, Any]:
    """Record the steps of past days from WeChat

    Takes what wx.getWeRunData gave, still encrypted. Today's steps count tomorrow.
    """
    return steps.submit_steps(given, resident=resident)


@blueprint.get("/actions")
@signed_in
@refuses(NotFoundError)
@blueprint.arguments(ActionsQuerySchema, location="query")
@blueprint.response(200, page_schema(ActionSchema))
def list_actions(query: dict[str, Any], *, resident: Resident) -> Page:
    """My actions, newest first"""
    before = decode_number(query["cursor"])
    wanted = {name: query.get(name) for name in ("task", "status")}
    return reading.list_actions(resident, limit=query["limit"], before=before, **wanted)


@blueprint.get("/actions/<action_id>")
@signed_in
@blueprint.response(200, ActionSchema)
def get_action(action_id: str, *, resident: Resident) -> dict[str, Any]:
    """One action, with the explanation of every gram"""
    owner, seq = public_ids.parse(action_id)
    if owner != resident.resident_id:
        raise NotFoundError
    return reading.get_action(owner, seq)
