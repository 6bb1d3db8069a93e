"""Check-in codes: a short-lived signed token that a place shows as a QR code and a resident scans there.

A photo of the code shared in a group is worth nothing after `valid_s`, and while the code is good it stands for nothing
that was done before it was shown.

The token is kept as the action's evidence, and so says who had it issued: by the admin's number alone, for whoever
scans the code can read it.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from flask_babel import gettext

from backend import clock, present
from backend.catalogue import service as catalogue_service
from backend.errors import ValidationFailedError

LONGEST_VALID_S = 3_600


@dataclass(frozen=True, slots=True)
class Code:
    """What a place shows, and until when."""

    token: str
    expires_at: datetime


def offer(*, task: str, place: str, valid_s: int, by: int) -> Code:
    """A code for one task at one place, good for `valid_s` seconds from now.

    `place` holds no dot; `by` is the number of the admin who asks for it.
    Raises ValidationFailedError where there is no such task.
    """
    now = clock.now()
    if task not in catalogue_service.current().tasks:
        raise ValidationFailedError.of({"task": gettext("There is no such task.")})
    token = issue(task=task, place=place, by=by, now=now, valid_s=valid_s)
    return Code(token, now + timedelta(seconds=valid_s))


def issue(*, task: str, place: str, by: int, now: datetime, valid_s: int) -> str:
    """A token for one task at one place, good for `valid_s` seconds from `now`: see `offer`."""
    until = int((now + timedelta(seconds=min(valid_s, LONGEST_VALID_S))).timestamp())
    # Beside the place and not beside `until`: web servers of the release before take it for part of the place's name.
    shown = f"{place}@{by}.{int(now.timestamp())}"
    return f"{until}.{shown}.{_sign(task, shown, until)}"


def shown_since(token: str, *, task: str, now: datetime) -> datetime | None:
    """When the code of this token was first shown; None where it is forged, for another task, or has ended.

    A token that does not say so, of the release before, has been shown for as long as any may be.
    """
    until, _, rest = token.partition(".")
    shown, _, signature = rest.rpartition(".")
    if not (_is_number(until) and signature.isascii()):
        return None
    good = hmac.compare_digest(signature, _sign(task, shown, int(until)))
    if not good or int(until) < now.timestamp():
        return None
    issued = shown.partition(".")[2]
    return datetime.fromtimestamp(int(issued) if issued else int(until) - LONGEST_VALID_S, UTC)


def _is_number(until: str) -> bool:
    # Written in one way only: with a zero before it the same code would be another token, and count again.
    return until.isdigit() and until.isascii() and len(until) <= 12 and until[0] != "0"  # noqa: PLR2004  seconds


def _sign(task: str, shown: str, until: int) -> str:
    secret = present.settings().secret_key
    return hmac.new(secret.encode(), f"check-in\n{task}\n{shown}\n{until}".encode(), sha256).hexdigest()[:32]
