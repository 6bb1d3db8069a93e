"""What a signed-in resident sends with a request."""

import uuid
from datetime import timedelta
from functools import cache

import jwt
from flask import current_app

from backend import clock
from backend.residents import auth


def token(resident_id: int, *, sign_in: int = 0) -> dict[str, str]:
    """The header that says who is asking; each of a resident's sign-ins has a token of its own."""
    settings = current_app.extensions["settings"]
    ends = _ends() + timedelta(seconds=sign_in)
    claims = {"aud": auth.AUDIENCE, "sub": str(resident_id), "epoch": 0, "exp": ends}
    return {"Authorization": f"Bearer {jwt.encode(claims, settings.secret_key, algorithm='HS256')}"}


def token_and_key(resident_id: int) -> dict[str, str]:
    """The same, with a new idempotency key."""
    return {**token(resident_id), "Idempotency-Key": uuid.uuid4().hex}


@cache
def _ends():
    return clock.now().replace(microsecond=0) + timedelta(days=1)
