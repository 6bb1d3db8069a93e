"""A resident hands over the steps that WeChat counted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import select

from backend import clock, present, sealing
from backend.actions import answering
from backend.actions.claim import Claim
from backend.actions.judging import Judged
from backend.actions.record_many import record_many
from backend.config import Settings
from backend.database import db
from backend.ledger.models import Wallet
from backend.residents.models import Resident
from backend.residents.wechat import WE_RUN_ZONE, DaySteps, SessionExpiredError, decrypt_we_run

FRESH = timedelta(minutes=10)
"""How long after wx.getWeRunData its data may be sent: a tunnel's length, not a day's."""


def submit_steps(given: Mapping[str, str], *, resident: Resident) -> dict[str, Any]:
    """Record the steps of each whole day from a loaded WeRunSchema: today's are still growing, and left for tomorrow.

    A day is over once it is so in the city and where WeChat counts it.
    Raises SessionExpiredError, ForeignStepsError, StaleStepsError, and ValidationFailedError for what is no such data.
    """
    settings, now = present.settings(), clock.now()
    today = min(clock.local_day(now), clock.local_day(now, zone=WE_RUN_ZONE))
    days = _handed_over(given, resident=resident, settings=settings, now=now)
    whole = sorted((day for day in days if day.day < today), key=lambda day: day.day)
    claims = [_claim(day, settings=settings, place=place) for place, day in enumerate(whole)]
    recorded = _record(claims, resident=resident, settings=settings, now=now)
    judged = {one.claim.place: one for one in recorded}
    lines = [
        {"day": day.day.isoformat(), "steps": day.steps, **_without_index(answering.result(place, judged[place]))}
        for place, day in enumerate(whole)
    ]
    return {"days": lines, "wallet": {"balance": _balance(recorded, resident=resident)}}


def _handed_over(
    given: Mapping[str, str], *, resident: Resident, settings: Settings, now: datetime
) -> Sequence[DaySteps]:
    if resident.session_key is None:
        raise SessionExpiredError
    return decrypt_we_run(
        sealing.unseal(resident.session_key),
        encrypted_data=given["encrypted_data"],
        iv=given["iv"],
        app_id=settings.wechat_app_id,
        now=now,
        max_age=FRESH,
    )


def _claim(day: DaySteps, *, settings: Settings, place: int) -> Claim:
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


def _record(claims: list[Claim], *, resident: Resident, settings: Settings, now: datetime) -> list[Judged]:
    if not claims:
        return []
    return record_many({resident.resident_id: claims}, settings=settings, now=now)


def _without_index(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in {"index", "id"}}


def _balance(judged: Sequence[Judged], *, resident: Resident) -> int:
    # What residents claim themselves replaces nothing: the last that counted has left this balance.
    last = max((one for one in judged if one.seq), key=attrgetter("seq"), default=None)
    if last is not None:
        return last.balance_after
    query = select(Wallet.balance).where(Wallet.resident_id == resident.resident_id)
    return db.session.scalar(query) or 0
