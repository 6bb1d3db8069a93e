"""Admins' bearer tokens, and the decorator that lets the right roles through."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

import jwt
from flask import request
from flask_babel import lazy_gettext as _l

from backend import clock, present
from backend.admins.models import ROLES, Admin
from backend.database import db
from backend.errors import ForbiddenError, UnauthenticatedError
from backend.web import caller

View = TypeVar("View", bound=Callable[..., Any])
AUDIENCE = "admin"
TOKEN_LIFE = timedelta(hours=8)
"""A working day: whoever comes back tomorrow signs in again."""
READS = frozenset({"GET", "HEAD"})
_CLAIMS = "tanhui.admin"
"""Where a request's environment holds what its token says: the limit and the view both ask, it is checked once."""


@dataclass(frozen=True, slots=True)
class AdminToken:
    """A bearer token, when it ends, and what its owner may do."""

    token: str
    expires_at: datetime
    role: str


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a token says that is signed and has not run out."""

    admin_id: int
    epoch: int
    second_factor: bool
    """Whether the session was begun with a one-time code."""


def issue(admin: Admin) -> AdminToken:
    """A token for an admin who has proved all factors that the account has.

    Good for eight hours, or until all of the admin's sessions are ended.
    """
    expires_at = clock.now().replace(microsecond=0) + TOKEN_LIFE
    claims = {
        "aud": AUDIENCE,
        "sub": str(admin.id),
        "epoch": admin.token_epoch,
        # Of the session, not of the account: whoever had the password alone before its owner enrolled gains nothing.
        "otp": admin.totp_secret is not None,
        "exp": expires_at,
    }
    token = jwt.encode(claims, present.settings().secret_key, algorithm="HS256")
    return AdminToken(token, expires_at, admin.role)


def proved() -> str | None:
    """Whose limit the request counts towards, if its token's signature holds: all tokens of an admin are one caller."""
    try:
        claims = _claims()
    except UnauthenticatedError:
        return None
    return f"admin:{claims.admin_id}:{claims.epoch}"


def admin(*roles: str) -> Callable[[View], View]:
    """Let only admins of these roles in; the view gets the row as keyword argument `admin`.

    The owner may do everything, and the auditor may read (GET) everything: neither needs to be named. Role
    and state are read anew for each request, so that a change of either holds at once. Where the site requires a
    second factor, a session that was begun by the password alone is refused.
    """
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise ValueError(f"No such role: {', '.join(sorted(unknown))}. Take some of {', '.join(ROLES)}.")
    allowed = {*roles, "owner"}

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return view(*args, admin=_let_in(allowed), **kwargs)

        return caller(f"admin:{','.join(sorted(allowed))}")(inner)  # type: ignore[return-value]  # one argument more

    return decorate


def own_account(view: View) -> View:
    """Let every admin in, also by the password alone: for nothing but what it takes to enrol a second factor."""

    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, admin=_signed_in(), **kwargs)

    return caller(f"admin:{','.join(sorted(ROLES))}")(inner)  # type: ignore[return-value]  # one argument more


def hold_to_second_factor(admin: Admin) -> None:
    """Refuse a session that was begun by the password alone once its admin has a second factor in force.

    Raises ForbiddenError. To be asked under the lock of the admin's row: another session may be enrolling just now.
    """
    if admin.totp_secret is not None and not _claims().second_factor:
        raise ForbiddenError(
            _l(
                "A second factor is in force. To replace it, sign in again with its code; if it is lost, an owner can"
                " take it away."
            )
        )


def _let_in(allowed: set[str]) -> Admin:
    known = _signed_in()
    if present.settings().second_factor_required and not _claims().second_factor:
        raise ForbiddenError(
            _l(
                "A second factor is needed for this. Enrol one at POST /api/v1/admin/me/totp, then sign in again with"
                " its code."
            )
        )
    reads = known.role == "auditor" and request.method in READS
    if known.role not in allowed and not reads:
        raise ForbiddenError
    return known


def _signed_in() -> Admin:
    claims = _claims()
    known = db.session.get(Admin, claims.admin_id)
    if known is None or known.disabled_at is not None or known.token_epoch != claims.epoch:
        raise UnauthenticatedError
    return known


def _claims() -> _Claims:
    environ = present.request().environ
    known: _Claims | None = environ.get(_CLAIMS)
    if known is None:
        environ[_CLAIMS] = known = _checked(environ.get("HTTP_AUTHORIZATION", ""))
    return known


def _checked(header: str) -> _Claims:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError
    try:
        secret = present.settings().secret_key
        options: Any = {"require": ["exp", "sub", "epoch"]}
        claims = jwt.decode(token.strip(), secret, algorithms=["HS256"], audience=AUDIENCE, options=options)
        return _Claims(int(claims["sub"]), int(claims["epoch"]), second_factor=claims.get("otp") is True)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise UnauthenticatedError from error
