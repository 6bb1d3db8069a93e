"""Check-in codes: a short-lived signed token that a place shows as a QR code and a resident scans there.

A photo of the code shared in a group is worth nothing after `valid_s`.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from backend import present

LONGEST_VALID_S = 3_600


def issue(*, task: str, place: str, now: datetime, valid_s: int) -> str:
    """A token for one task at one place, good for `valid_s` seconds."""
    until = int((now + timedelta(seconds=min(valid_s, LONGEST_VALID_S))).timestamp())
    return f"{until}.{place}.{_sign(task, place, until)}"


def place_of(token: str, *, task: str, now: datetime) -> str | None:
    """The place a token stands for; None where it is forged, for another task, or has ended."""
    until, _, rest = token.partition(".")
    place, _, signature = rest.rpartition(".")
    if not (until.isdigit() and until.isascii() and len(until) <= 12 and signature.isascii()):  # noqa: PLR2004  seconds
        return None
    good = hmac.compare_digest(signature, _sign(task, place, int(until)))
    return place if good and int(until) >= now.timestamp() else None


def _sign(task: str, place: str, until: int) -> str:
    secret = present.settings().secret_key
    return hmac.new(secret.encode(), f"check-in\n{task}\n{place}\n{until}".encode(), sha256).hexdigest()[:32]
