"""What a signed-in resident sends with a request."""

import uuid
from datetime import datetime, timedelta
from functools import cache

from flask import current_app

from backend import clock
from backend.residents import tokens


def token(resident_id: int, *, sign_in: int = 0) -> dict[str, str]:
    """The header that says who is asking; each of a resident's sign-ins has a token of its own."""
    secret = current_app.extensions["settings"].secret_key
    ends = _ends() + timedelta(seconds=sign_in)
    return {
        "Authorization": f"Bearer {tokens.encode(resident_id=resident_id, epoch=0, expires_at=ends, secret=secret)}"
    }


def token_and_key(resident_id: int) -> dict[str, str]:
    """The same, with a new idempotency key."""
    return {**token(resident_id), "Idempotency-Key": uuid.uuid4().hex}


@cache
def _ends() -> datetime:
    return clock.now().replace(microsecond=0) + timedelta(days=1)
