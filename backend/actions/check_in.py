"""Check-in codes: a short-lived signed token that a place shows as a QR code and a resident scans there.

A photo of the code shared in a group is worth nothing after `valid_s`, and while the code is good it stands for nothing
that was done before it was shown.

The token is kept as the action's evidence, and so says who had it issued: by the admin's number alone, for whoever
scans the code can read it.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from backend import present

LONGEST_VALID_S = 3_600


def issue(*, task: str, place: str, by: int, now: datetime, valid_s: int) -> str:
    """A token for one task at one place, good for `valid_s` seconds.

    `place` holds no dot; `by` is the number of the admin who asks for it.
    """
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
