"""What a signed-in resident sends with a request."""

import uuid
from datetime import datetime, timedelta
from functools import cache

from flask import current_app

from backend import clock
from backend.residents import tokens


def token(resident_id: int) -> dict[str, str]:
    """The header that says who is asking."""
    secret = current_app.extensions["settings"].secret_key
    text = tokens.encode(resident_id=resident_id, epoch=0, expires_at=_ends(), secret=secret)
    return {"Authorization": f"Bearer {text}"}


def token_and_key(resident_id: int) -> dict[str, str]:
    """The same, with a new idempotency key."""
    return {**token(resident_id), "Idempotency-Key": uuid.uuid4().hex}


@cache
def _ends() -> datetime:
    return clock.now().replace(microsecond=0) + timedelta(days=1)
