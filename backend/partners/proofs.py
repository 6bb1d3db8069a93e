"""Proofs of ownership: a partner says, under its secret, that the bearer is its user `subject` until a moment.

A proof is `<expires>.<signature>`: `expires` in seconds since 1970, at most ten minutes ahead, and
`signature` = hex(hmac_sha256(secret, "bind\\n" + subject + "\\n" + expires)). The partner gives it to its signed-in
user, whose mini-program passes it on. The first word keeps proofs apart from signed requests, which begin with digits.
"""

import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.errors import RefusalError

LONGEST_VALID_S = 600


class InvalidProofError(RefusalError):
    """The proof is malformed, has ended, or was not made by the partner for this subject."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "invalid-proof"
    title = _l("The proof of ownership does not hold. Ask the partner for a new one.")


def prove(subject: str, *, secret: str, expires: int) -> str:
    """The proof for a subject: what a partner's own server makes."""
    signature = hmac.new(secret.encode(), f"bind\n{subject}\n{expires}".encode(), sha256).hexdigest()
    return f"{expires}.{signature}"


def check(proof: str, *, subject: str, secrets: Iterable[str], now: datetime) -> None:
    """Accept a proof made with any of these secrets; raises InvalidProofError saying what does not hold."""
    expires, _dot, signature = proof.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):  # noqa: PLR2004  seconds
        raise InvalidProofError(_("A proof is <expires>.<signature>."))
    ahead = int(expires) - now.timestamp()
    if ahead < 0:
        raise InvalidProofError(_("The proof has ended. Ask the partner for a new one."))
    if ahead > LONGEST_VALID_S:
        raise InvalidProofError(_("A proof may be good for at most %(most)s seconds.", most=LONGEST_VALID_S))
    if not any(hmac.compare_digest(prove(subject, secret=secret, expires=int(expires)), proof) for secret in secrets):
        raise InvalidProofError
