"""Residents' tokens: JSON Web Tokens signed with HS256, of one kind only, checked without detours.

PyJWT issues them. Its own check is made for tokens of every kind, and takes as long as all of an empty request: it
looks for PEM and DER in the key, parses the header, and weighs each registered claim (docs/adr/0013).
"""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

import jwt

from backend.errors import UnauthenticatedError

AUDIENCE = "resident"
_ALGORITHM = "HS256"
_HEADER = jwt.encode({}, "x" * 32, algorithm=_ALGORITHM).partition(".")[0]
"""Of every token that we issue, and so the only one that we take: a token has no say in how it is checked."""


def encode(*, resident_id: int, epoch: int, expires_at: datetime, secret: str) -> str:
    """A signed token for a resident, good until `expires_at` or until the resident's epoch moves."""
    claims = {"aud": AUDIENCE, "sub": str(resident_id), "epoch": epoch, "exp": expires_at}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def decode(token: str, *, secret: str) -> tuple[int, int]:
    """Resident id and epoch of a token that holds at this moment; raises UnauthenticatedError."""
    try:
        claims = _signed_claims(token, secret=secret)
        if claims["aud"] == AUDIENCE and claims["exp"] > time.time():
            return int(claims["sub"]), int(claims["epoch"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnauthenticatedError from error
    raise UnauthenticatedError


def _signed_claims(token: str, *, secret: str) -> Any:
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    digest = hmac.digest(secret.encode(), signed.encode("ascii"), "sha256")
    # Before anything of it is read. In constant time: a guess must not learn how much of it was right.
    if not hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), signature.encode("ascii")) or header != _HEADER:
        raise UnauthenticatedError
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
