"""The second factor: a time-based one-time password (RFC 6238), each of which counts once."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import pyotp
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, update

from backend import audit, clock, sealing
from backend.admins import auth
from backend.admins.models import Admin
from backend.database import db
from backend.errors import RefusalError, UnauthenticatedError

ISSUER = "Tanhui"
STEP_S = 30
DRIFT = 1
"""Steps that a phone's clock may be off, either way (RFC 6238, 5.2)."""


class WrongCodeError(RefusalError):
    """The code does not belong to the secret, is too old, or was used before."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    slug = "wrong-code"
    title = _l("This code is not right. Wait for the next one.")


class NothingToConfirmError(RefusalError):
    """No second factor awaits its first code."""

    slug = "nothing-to-confirm"
    title = _l("Ask for a new second factor first.")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new secret, and the same as an address that an authenticator reads from a QR code."""

    secret: str
    uri: str


def enrol(admin: Admin) -> Enrolment:
    """Begin a second factor; the one before stays in force until the new one's first code arrives."""
    secret = pyotp.random_base32()
    admin.totp_pending = sealing.seal(secret)
    uri = pyotp.TOTP(secret).provisioning_uri(name=admin.username, issuer_name=ISSUER)
    return Enrolment(secret, uri)


def confirm(admin: Admin, *, otp: str) -> None:
    """Put the new second factor in force, once, while the session lasts.

    Raises WrongCodeError, NothingToConfirmError, UnauthenticatedError, and ForbiddenError where another is in force
    and the session was begun without it.
    """
    epoch = admin.token_epoch
    # Two at the same moment have both seen it pending: the second must see what the first made of it.
    db.session.refresh(admin, with_for_update=True)
    if admin.token_epoch != epoch:
        raise UnauthenticatedError
    if admin.totp_pending is None:
        raise NothingToConfirmError
    auth.hold_to_second_factor(admin)
    step = step_of(otp, secret=sealing.unseal(admin.totp_pending), at=clock.now())
    if step is None:
        raise WrongCodeError
    before = admin.second_factor_state
    admin.totp_secret, admin.totp_pending = admin.totp_pending, None
    admin.totp_last_step = step
    audit.record(
        actor=admin.actor,
        action="admin.totp_enrolled",
        object_kind="admin",
        object_id=admin.id,
        before=before,
        after=admin.second_factor_state,
    )


def accept(admin: Admin, *, otp: str) -> bool:
    """Whether the code is right and was not used before; it is used then."""
    if admin.totp_secret is None:
        return True
    step = step_of(otp, secret=sealing.unseal(admin.totp_secret), at=clock.now())
    if step is None:
        return False
    unused = or_(Admin.totp_last_step.is_(None), Admin.totp_last_step < step)
    used = update(Admin).where(Admin.id == admin.id, unused).values(totp_last_step=step)
    # The condition is in the statement: of two sign-ins with one code, the second finds it used.
    return db.session.execute(used.returning(Admin.id)).first() is not None


def step_of(otp: str, *, secret: str, at: datetime) -> int | None:
    """The 30-second step whose code this is, within DRIFT steps of `at`; None: of none."""
    code = pyotp.TOTP(secret, interval=STEP_S)
    now = int(at.timestamp()) // STEP_S
    steps = range(now - DRIFT, now + DRIFT + 1)
    return next((s for s in steps if hmac.compare_digest(code.at(s * STEP_S).encode(), otp.encode())), None)
