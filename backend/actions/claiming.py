"""From what a resident sent to a claim: the server says what the evidence is worth, never the client."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext

from backend import clock
from backend.actions import check_in
from backend.actions.claim import Claim, milli
from backend.config import Settings
from backend.errors import ValidationFailedError


def claim_of(given: Mapping[str, Any], *, settings: Settings, now: datetime, place: int = 0) -> Claim:
    """A claim from a loaded NewActionSchema.

    Raises ValidationFailedError naming what the evidence lacks, or the time where the code was not yet shown then.
    """
    occurred_at, started_at = given["occurred_at"], given.get("started_at")
    activity = given.get("activity")
    evidence = given.get("evidence") or {"kind": "declaration"}
    happened_at = started_at or occurred_at
    if evidence["kind"] == "check_in":
        field = "started_at" if started_at else "occurred_at"
        since = _shown_since(evidence, task=given["task"], now=now)
        if happened_at < since - timedelta(seconds=settings.future_skew_s):
            cure = gettext(
                "Give the time of the scan: this code has been shown since %(since)s.", since=clock.rfc3339(since)
            )
            raise _lacking(field, cure)
    return Claim(
        task=given["task"],
        tier=_tier(evidence),
        quantity_milli=milli(activity["quantity"]) if activity else None,
        unit=activity["unit"] if activity else None,
        happened_at=happened_at,
        ended_at=occurred_at if started_at else None,
        day=clock.local_day(happened_at, zone=settings.city_time_zone),
        client_reference=given.get("client_reference"),
        evidence={name: value for name, value in evidence.items() if name != "kind"} or None,
        code=evidence["check_in_token"] if evidence["kind"] == "check_in" else None,
        max_age_days=settings.action_max_age_days,
        place=place,
    )


def _tier(evidence: Mapping[str, Any]) -> str:
    kind: str = evidence["kind"]
    if kind == "photo" and not (evidence.get("photo_sha256") or evidence.get("photo_url")):
        raise _lacking("evidence.photo_sha256", gettext("Give the photo's SHA-256 or its address."))
    return kind


def _shown_since(evidence: Mapping[str, Any], *, task: str, now: datetime) -> datetime:
    since = check_in.shown_since(evidence.get("check_in_token", ""), task=task, now=now)
    if since is None:
        raise _lacking(
            "evidence.check_in_token",
            gettext("Scan the code at the place again: this one has ended, or belongs to another task."),
        )
    return since


def _lacking(field: str, message: str) -> ValidationFailedError:
    return ValidationFailedError(message, errors=[{"field": field, "message": message}])
