"""A resident submits actions: one, or many of a client that was offline."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from marshmallow import ValidationError

from backend import clock, present
from backend.actions import answering
from backend.actions.asked import Recorded
from backend.actions.claim import Claim
from backend.actions.claiming import claim_of
from backend.actions.judging import Judged
from backend.actions.record_batch import record_batch
from backend.actions.record_one import record_one
from backend.actions.refusals import refusal_of
from backend.actions.standing import Standing
from backend.catalogue import service as catalogue_service
from backend.config import Settings
from backend.errors import ValidationFailedError
from backend.residents.auth import Caller
from backend.residents.idempotency import first_answer
from backend.web import wrong_fields
from backend.web.idempotency import Request
from backend.web.titles import language


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a recorded action: its status, its body as JSON, and whether it is the stored one of before."""

    status: int
    body: str
    repeated: bool


def submit(given: dict[str, Any], *, caller: Caller, request: Request) -> Submitted:
    """Record one action of a resident.

    Raises the refusal of the rules, or NotFoundError for an unknown task.
    """
    settings, now = present.settings(), clock.now()
    try:
        claim = claim_of(given, settings=settings, now=now)
    except ValidationFailedError:
        # A check-in code may have ended since the request was first sent.
        if (first := first_answer(caller, request)) is None:
            raise
        return _repeated(first)
    # It may be rendered by another request's thread.
    spoken = language()

    def render(judged: Sequence[Judged], standing: Standing) -> dict[str, Any]:
        return answering.answer(judged[0], standing, spoken=spoken)

    recorded = record_one(claim, caller=caller, settings=settings, now=now, request=request, render=render)
    if recorded.replay is None and recorded.body is None:
        (judged,) = recorded.judged
        raise refusal_of(judged.outcome, claim=claim, rules=judged.rules)
    return _submitted(recorded, status=HTTPStatus.CREATED)


def submit_many(given: Sequence[dict[str, Any] | ValidationError], *, caller: Caller, request: Request) -> Submitted:
    """Record the actions of a client that was offline: each gets its own outcome, in the order given."""
    settings, now = present.settings(), clock.now()
    lines: dict[int, dict[str, Any]] = {}
    claims: list[Claim] = []
    tasks = catalogue_service.knowing([item["task"] for item in given if not isinstance(item, ValidationError)]).tasks
    for index, item in enumerate(given):
        claim = _claim_or_line(item, index=index, settings=settings, now=now)
        if isinstance(claim, dict):
            lines[index] = claim
        elif claim.task not in tasks:
            lines[index] = {"index": index, "status": "refused", "reason": "not-found"}
        else:
            claims.append(claim)

    def render(judged: Sequence[Judged], standing: Standing) -> dict[str, Any]:
        told = lines | {one.claim.place: answering.result(one.claim.place, one) for one in judged}
        return {"results": [told[index] for index in sorted(told)], "wallet": {"balance": standing.balance}}

    recorded = record_batch(claims, caller=caller, settings=settings, now=now, request=request, render=render)
    return _submitted(recorded, status=HTTPStatus.OK)


def _submitted(recorded: Recorded, *, status: int) -> Submitted:
    if recorded.replay is not None:
        return _repeated(recorded.replay)
    assert recorded.body is not None  # noqa: S101  nothing was refused as a whole
    return Submitted(status, recorded.body, repeated=False)


def _repeated(first: tuple[int, dict[str, Any]]) -> Submitted:
    status, body = first
    return Submitted(status, json.dumps(body), repeated=True)


def _claim_or_line(
    item: dict[str, Any] | ValidationError, *, index: int, settings: Settings, now: datetime
) -> Claim | dict[str, Any]:
    line = {"index": index, "status": "refused", "reason": "validation-failed"}
    if isinstance(item, ValidationError):
        return {**line, "message": "; ".join(f"{field}: {message}" for field, message in wrong_fields(item.messages))}
    try:
        return claim_of(item, settings=settings, now=now, place=index)
    except ValidationFailedError as error:
        return {**line, "message": str(error)}
