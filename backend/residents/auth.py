"""Residents' bearer tokens, and the decorator that lets a signed-in resident through."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from backend import clock, present
from backend.database import db
from backend.errors import UnauthenticatedError
from backend.residents import tokens
from backend.residents.models import Resident
from backend.web import caller

View = TypeVar("View", bound=Callable[..., Any])
_KNOWN = "tanhui.resident"
"""Where a request's environment holds what its token says: the limit and the view both ask, it is checked once."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and when it ends."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token says is calling; `epoch` must still be the resident's."""

    resident_id: int
    epoch: int


def issue(resident: Resident) -> Token:
    """A token for a resident, good for TOKEN_DAYS or until all of the resident's sessions are ended."""
    settings = present.settings()
    expires_at = clock.now().replace(microsecond=0) + timedelta(days=settings.token_days)
    text = tokens.encode(
        resident_id=resident.resident_id, epoch=resident.token_epoch, expires_at=expires_at, secret=settings.secret_key
    )
    return Token(text, expires_at)


def caller_by_token() -> Caller:
    """Who the request's token says is calling, by its signature alone; raises UnauthenticatedError.

    Enough for the hot path, whose own statement reads the resident and compares the epoch.
    """
    environ = present.request().environ
    known: Caller | None = environ.get(_KNOWN)
    if known is None:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError
        environ[_KNOWN] = known = Caller(*tokens.decode(token.strip(), secret=present.settings().secret_key))
    return known


def proved() -> str | None:
    """Whose limit the request counts towards, if its token's signature holds: all tokens of a resident are one caller.

    Were each a caller of its own, signing in again would start the limit afresh. A token of another epoch is another
    caller: who holds one that was ended cannot use up the resident's limit.
    """
    try:
        known = caller_by_token()
    except UnauthenticatedError:
        return None
    return f"resident:{known.resident_id}:{known.epoch}"


def signed_in(view: View) -> View:
    """Let only a signed-in resident in; the view gets it as keyword argument `resident`."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        known = caller_by_token()
        resident = db.session.get(Resident, known.resident_id)
        if resident is None or resident.state != "active" or resident.token_epoch != known.epoch:
            raise UnauthenticatedError
        return view(*args, resident=resident, **kwargs)

    return caller("resident")(inner)  # type: ignore[return-value]  # same call, one argument more from us
