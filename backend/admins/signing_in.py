"""Signing in: password, second factor, and the lock after five failures."""

from datetime import timedelta

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from backend import audit, clock
from backend.admins import auth, passwords, second_factor
from backend.admins.auth import AdminToken
from backend.admins.models import Admin
from backend.database import autocommit_cursor, db
from backend.errors import UnauthenticatedError

FAILURES = 5
LOCKED = timedelta(minutes=15)
_log = structlog.get_logger()

_COUNT = """
UPDATE admins SET
    failures = CASE WHEN locked_until IS NULL THEN failures + 1 ELSE 1 END,
    locked_until = CASE WHEN locked_until IS NULL AND failures + 1 >= %(most)s THEN %(until)s END
WHERE username = %(username)s AND (locked_until IS NULL OR locked_until <= %(now)s)
RETURNING id
"""


class BadCredentialsError(UnauthenticatedError):
    """Not known, wrong, disabled or locked: one answer for all, so that nobody learns which names exist."""

    title = _l("The name, the password or the one-time code is wrong.")


def sign_in(*, username: str, password: str, otp: str | None) -> AdminToken:
    """A token for whoever knows the password and, once enrolled, has the second factor.

    Raises BadCredentialsError.
    """
    admin = _prove(username=username, password=password)
    if admin.disabled_at is not None or not second_factor.accept(admin, otp=otp or ""):
        raise _refusal(admin)
    _succeed(admin)
    audit.record(actor=admin.actor, action="admin.signed_in", object_kind="admin", object_id=admin.id)
    return auth.issue(admin)


def prove_again(admin: Admin, *, password: str, otp: str | None) -> None:
    """Ask a signed-in admin again for all that a sign-in takes, before what a stolen token must not do.

    Raises BadCredentialsError, and ForbiddenError where the session was begun before the second factor was in force.
    """
    proved = _prove(username=admin.username, password=password)
    auth.hold_to_second_factor(proved)
    if not second_factor.accept(proved, otp=otp or ""):
        raise _refusal(proved)
    _succeed(proved)


def _prove(*, username: str, password: str) -> Admin:
    """The admin whose password this is, locked. Counted as a failure first, and taken back by `_succeed`.

    Counting first, in a transaction of its own, needs no lock while argon2 works, survives the refusal's
    rollback, and lets no burst of parallel guesses have more than FAILURES tries.
    """
    may_try = _count_attempt(username)
    admin = db.session.scalar(select(Admin).where(Admin.username == username)) if may_try else None
    if not passwords.matches(password, admin.password_hash if admin else None) or admin is None:
        raise _refusal(admin)
    _lock_as_proved(admin)
    return admin


def _count_attempt(username: str) -> bool:
    now = clock.now()
    values = {"username": username, "now": now, "until": now + LOCKED, "most": FAILURES}
    with autocommit_cursor() as cursor:
        return cursor.execute(_COUNT, values).fetchone() is not None


def _lock_as_proved(admin: Admin) -> None:
    """Lock the row. What was proved of another state proves nothing: the password may have been reset meanwhile.

    Whatever else is looked at comes after this, and so holds until the sign-in commits.
    """
    proved = admin.password_hash, admin.token_epoch
    db.session.refresh(admin, with_for_update=True)
    if (admin.password_hash, admin.token_epoch) != proved:
        raise _refusal(admin)


def _succeed(admin: Admin) -> None:
    admin.failures = 0
    admin.locked_until = None


def _refusal(admin: Admin | None) -> BadCredentialsError:
    # A name that nobody has may be a password typed into the wrong field: it is not logged.
    if admin is not None:
        _log.warning("admin sign-in refused", username=admin.username, failures=admin.failures)
    minutes = int(LOCKED.total_seconds() // 60)
    detail = _l(
        "Check all three. After %(failures)s failures the account stays locked for %(minutes)s minutes.",
        failures=FAILURES,
        minutes=minutes,
    )
    return BadCredentialsError(detail)
