"""Signed requests of partners: HMAC-SHA256 over time, nonce and body; each nonce is good once."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import sha256
from typing import Any, Self, TypeVar

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from werkzeug.datastructures import Headers

from backend import clock, sealing
from backend.database import db
from backend.errors import ForbiddenError, UnauthenticatedError
from backend.partners.models import Partner, PartnerKey, PartnerNonce
from backend.web import caller

View = TypeVar("View", bound=Callable[..., Any])
MAX_SKEW_S = 300
"""How far a partner's clock may be off, either way."""
LONGEST = 100
HEX_DIGITS = 64


class SignatureError(UnauthenticatedError):
    """A header is missing or malformed, or the signature does not hold."""

    title = _l("The request is not signed as it must be.")


class PartnerInactiveError(ForbiddenError):
    """The key is good, but the city does not work with this partner at present."""

    title = _l("This partner is not active. Please contact the city's service.")


@dataclass(frozen=True, slots=True)
class Signature:
    """The four headers of a signed request."""

    key: str
    timestamp: str
    nonce: str
    signature: str

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """Read the headers; raises SignatureError naming the one that is missing or malformed."""
        names = ("X-Partner-Key", "X-Timestamp", "X-Nonce", "X-Signature")
        for name in names:
            text = headers.get(name, "")
            if not (0 < len(text) <= LONGEST and text.isascii() and text.isprintable()):
                raise SignatureError(_("Send %(name)s: 1 to %(most)s ASCII characters.", name=name, most=LONGEST))
        found = cls(*(headers[name] for name in names))
        if not (found.timestamp.isdigit() and len(found.timestamp) <= 12):  # noqa: PLR2004  seconds until the year 33658
            raise SignatureError(_("X-Timestamp must be whole seconds since 1970."))
        if len(found.signature) != HEX_DIGITS or not set(found.signature) <= set("0123456789abcdef"):
            raise SignatureError(_("X-Signature must be 64 hexadecimal digits in lower case."))
        return found


def sign(body: bytes, *, secret: str, timestamp: str, nonce: str) -> str:
    """hex(hmac_sha256(secret, timestamp + "\\n" + nonce + "\\n" + sha256hex(body)))."""
    message = f"{timestamp}\n{nonce}\n{sha256(body).hexdigest()}"
    return hmac.new(secret.encode(), message.encode(), sha256).hexdigest()


def signed(view: View) -> View:
    """Let only a partner's signed request in, once; the view gets the Partner as keyword argument `partner`."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        given = Signature.of(request.headers)
        partner = check(given, body=request.get_data(), now=clock.now())
        return view(*args, partner=partner, **kwargs)

    return caller("partner")(inner)  # type: ignore[return-value]  # same call, one argument more from us


def check(given: Signature, *, body: bytes, now: datetime) -> Partner:
    """The partner who signed this body; its nonce is spent when the transaction commits.

    Raises SignatureError saying what does not hold, PartnerInactiveError.
    """
    query = select(PartnerKey, Partner).join(Partner, Partner.id == PartnerKey.partner_id)
    found = db.session.execute(query.where(PartnerKey.key == given.key)).one_or_none()
    if found is None:
        raise SignatureError(_("There is no such X-Partner-Key."))
    key, partner = found
    if key.revoked_at is not None:
        raise SignatureError(_("This key was revoked: use a newer one."))
    if abs(int(given.timestamp) - now.timestamp()) > MAX_SKEW_S:
        detail = _("X-Timestamp is more than %(most)s s away from our clock: set yours.", most=MAX_SKEW_S)
        raise SignatureError(detail)
    wanted = sign(body, secret=sealing.unseal(key.secret), timestamp=given.timestamp, nonce=given.nonce)
    if not hmac.compare_digest(wanted, given.signature):
        raise SignatureError(_("X-Signature does not match the body, the time, the nonce and your secret."))
    if not partner.active:
        raise PartnerInactiveError
    _spend(given.nonce, partner_id=partner.id, now=now)
    return partner


def _spend(nonce: str, *, partner_id: int, now: datetime) -> None:
    # In the transaction of the effect: a request that came to nothing may be sent again as it is.
    row = insert(PartnerNonce).values(partner_id=partner_id, nonce=nonce, used_at=now).on_conflict_do_nothing()
    # An INSERT's rowcount is not kept: only what it returns tells whether it inserted.
    if db.session.execute(row.returning(PartnerNonce.nonce)).first() is None:
        raise SignatureError(_("The nonce %(nonce)s was used before: take a new one for each request.", nonce=nonce))
