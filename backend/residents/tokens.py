"""Residents' tokens: JSON Web Tokens signed with HS256, of one kind only, checked without detours.

PyJWT issues them. Its own check is made for tokens of every kind, and takes as long as all of an empty request: it
looks for PEM and DER in the key, parses the header, and weighs each registered claim (docs/adr/0013).

What a signed token says never changes, so a process remembers it, by a keyed digest: no token itself is kept.
"""

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import jwt

from backend.errors import UnauthenticatedError
from backend.keeping import keep

AUDIENCE = "resident"
_ALGORITHM = "HS256"
_HEADER = jwt.encode({}, "x" * 32, algorithm=_ALGORITHM).partition(".")[0]
"""Of every token that we issue, and so the only one that we take: a token has no say in how it is checked."""
MOST_KEPT = 8_192
"""Tokens that a process remembers, some two megabytes: whoever asks for many others costs a check, and no memory."""


class _Claims(NamedTuple):
    resident_id: int
    epoch: int
    ends_at: float


class _Keys(NamedTuple):
    """What is begun with a secret, and copied for each token."""

    signature: hmac.HMAC
    digest: blake2b


_kept: dict[bytes, _Claims] = {}
"""What tokens say whose signature was right, by their digests."""


def encode(*, resident_id: int, epoch: int, expires_at: datetime, secret: str) -> str:
    """A signed token for a resident, good until `expires_at` or until the resident's epoch moves."""
    claims = {"aud": AUDIENCE, "sub": str(resident_id), "epoch": epoch, "exp": expires_at}
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def decode(token: str, *, secret: str) -> tuple[int, int]:
    """Resident id and epoch of a token that holds at this moment; raises UnauthenticatedError."""
    keys = _keys(secret)
    try:
        known = keys.digest.copy()
        known.update(token.encode())
        digest = known.digest()
        claims = _kept.get(digest)
        if claims is None:
            claims = _checked(token, keys=keys)
            keep(_kept, digest, claims, most=MOST_KEPT)
        if claims.ends_at > time.time():
            return claims.resident_id, claims.epoch
    except (ValueError, KeyError, TypeError) as error:
        raise UnauthenticatedError from error
    raise UnauthenticatedError


def _checked(token: str, *, keys: _Keys) -> _Claims:
    claims = _signed_claims(token, keys=keys)
    if claims["aud"] != AUDIENCE:
        raise UnauthenticatedError
    return _Claims(int(claims["sub"]), int(claims["epoch"]), claims["exp"])


def _signed_claims(token: str, *, keys: _Keys) -> Any:
    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    right = keys.signature.copy()
    right.update(signed.encode("ascii"))
    expected = urlsafe_b64encode(right.digest()).rstrip(b"=")
    # Before anything of it is read. In constant time: a guess must not learn how much of it was right.
    if not hmac.compare_digest(expected, signature.encode("ascii")) or header != _HEADER:
        raise UnauthenticatedError
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@lru_cache(maxsize=4)
def _keys(secret: str) -> _Keys:
    key = blake2b(secret.encode(), person=b"tanhui-tokens").digest()
    return _Keys(hmac.new(secret.encode(), digestmod="sha256"), blake2b(key=key, digest_size=32))
