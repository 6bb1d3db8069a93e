"""A resident submits actions: one, many of a client that was offline, or steps."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from operator import attrgetter
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select

from backend import clock, present
from backend.actions import answering
from backend.actions.asked import Recorded
from backend.actions.claim import Claim
from backend.actions.claiming import claim_of
from backend.actions.judging import Judged
from backend.actions.record_batch import record_batch
from backend.actions.record_many import record_many
from backend.actions.record_one import record_one
from backend.actions.refusals import refusal_of
from backend.actions.standing import Standing
from backend.catalogue import service as catalogue_service
from backend.config import Settings
from backend.database import db
from backend.errors import ValidationFailedError
from backend.ledger.models import Wallet
from backend.residents.auth import Caller
from backend.residents.idempotency import first_answer
from backend.residents.models import Resident
from backend.residents.wechat import WE_RUN_ZONE, DaySteps
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


def submit_steps(days: Sequence[DaySteps], *, resident: Resident) -> dict[str, Any]:
    """Record the steps of each whole day: today's are still growing, and are left for tomorrow.

    A day is over once it is so in the city and where WeChat counts it.
    """
    settings, now = present.settings(), clock.now()
    today = min(clock.local_day(now), clock.local_day(now, zone=WE_RUN_ZONE))
    whole = sorted((day for day in days if day.day < today), key=lambda day: day.day)
    claims = [_steps_claim(day, settings=settings, place=place) for place, day in enumerate(whole)]
    recorded = _record(claims, resident=resident, now=now)
    judged = {one.claim.place: one for one in recorded}
    lines = [
        {"day": day.day.isoformat(), "steps": day.steps, **_without_index(answering.result(place, judged[place]))}
        for place, day in enumerate(whole)
    ]
    return {"days": lines, "wallet": {"balance": _balance(recorded, resident=resident)}}


def _submitted(recorded: Recorded, *, status: int) -> Submitted:
    if recorded.replay is not None:
        return _repeated(recorded.replay)
    assert recorded.body is not None  # noqa: S101  nothing was refused as a whole
    return Submitted(status, recorded.body, repeated=False)


def _repeated(first: tuple[int, dict[str, Any]]) -> Submitted:
    status, body = first
    return Submitted(status, json.dumps(body), repeated=True)


def _record(claims: list[Claim], *, resident: Resident, now: datetime) -> list[Judged]:
    if not claims:
        return []
    return record_many({resident.resident_id: claims}, settings=present.settings(), now=now)


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


def _steps_claim(day: DaySteps, *, settings: Settings, place: int) -> Claim:
    return Claim(
        task="walk_steps",
        tier="device",
        quantity_milli=day.steps * 1000,
        unit="steps",
        happened_at=clock.day_bounds(day.day)[0] + timedelta(hours=12),
        ended_at=None,
        day=day.day,
        client_reference=f"werun:{day.day.isoformat()}",
        max_age_days=settings.action_max_age_days + 1,
        place=place,
    )


def _without_index(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in {"index", "id"}}


def _balance(judged: Sequence[Judged], *, resident: Resident) -> int:
    # What residents claim themselves replaces nothing: the last that counted has left this balance.
    last = max((one for one in judged if one.seq), key=attrgetter("seq"), default=None)
    if last is not None:
        return last.balance_after
    query = select(Wallet.balance).where(Wallet.resident_id == resident.resident_id)
    return db.session.scalar(query) or 0
