"""Making and changing admins: the owner's verbs, and what the command line needs for the first one."""

import re

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select, text

from backend import audit, clock
from backend.admins import passwords
from backend.admins.models import ROLES, Admin
from backend.database import db
from backend.errors import AlreadyExistsError, NotFoundError, RefusalError, ValidationFailedError
from backend.web.paging import Page, decode_number, page_of

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


class LastOwnerError(RefusalError):
    """Without an owner nobody could make admins any more."""

    slug = "last-owner"
    title = _l("This is the last owner who can sign in. Make another owner first.")


def create(*, username: str, password: str, role: str, by: str) -> Admin:
    """A new admin; raises ValidationFailedError, AlreadyExistsError."""
    if not USERNAME.fullmatch(username):
        message = gettext("Take 2 to 40 of a-z, 0-9, dot, dash and underscore.")
        raise ValidationFailedError.of({"username": message})
    _check_role(role)
    passwords.check_strength(password)
    _one_change_at_a_time()
    if db.session.scalar(select(exists().where(Admin.username == username))):
        raise AlreadyExistsError
    admin = Admin(username=username, password_hash=passwords.hash_of(password), role=role, created_at=clock.now())
    db.session.add(admin)
    db.session.flush()
    _record(admin, action="created", by=by, after={"username": username, "role": role})
    return admin


def change(
    admin_id: int,
    *,
    by: str,
    role: str | None = None,
    disabled: bool | None = None,
    password: str | None = None,
) -> Admin:
    """Change role, state or password; what is None stays. Ends the admin's sessions.

    What changes nothing ends no session, and is not in the trail.
    Raises NotFoundError, ValidationFailedError, LastOwnerError.
    """
    _one_change_at_a_time()
    admin = find(admin_id)
    before = _state(admin)
    if role is not None:
        _check_role(role)
        admin.role = role
    if disabled is not None:
        admin.disabled_at = (admin.disabled_at or clock.now()) if disabled else None
    if password is not None:
        _set_password(admin, password)
    elif _state(admin) == before:
        return admin
    admin.token_epoch += 1
    db.session.flush()
    _refuse_to_lose_the_last_owner()
    after = {**_state(admin), **({"password_reset": True} if password is not None else {})}
    _record(admin, action="changed", by=by, before=before, after=after)
    return admin


def remove_second_factor(admin_id: int, *, by: str) -> Admin:
    """Let an admin who lost the phone sign in by password alone, and enrol anew; doing it again changes nothing.

    Raises NotFoundError.
    """
    _one_change_at_a_time()
    admin = find(admin_id)
    if admin.totp_secret is None and admin.totp_pending is None:
        return admin
    before = admin.second_factor_state
    admin.totp_secret = admin.totp_pending = None
    admin.token_epoch += 1
    _record(admin, action="totp_removed", by=by, before=before, after=admin.second_factor_state)
    return admin


def find(admin_id: int) -> Admin:
    """The admin with that id; raises NotFoundError."""
    admin = db.session.get(Admin, admin_id, populate_existing=True)
    if admin is None:
        raise NotFoundError
    return admin


def find_by_name(username: str) -> Admin:
    """The admin of that name; raises NotFoundError."""
    admin = db.session.scalar(select(Admin).where(Admin.username == username))
    if admin is None:
        raise NotFoundError
    return admin


def page(*, limit: int, cursor: str | None) -> Page:
    """A page of all admins, in the order in which they were made."""
    after = decode_number(cursor, below=2**63) or 0
    query = select(Admin).where(Admin.id > after).order_by(Admin.id).limit(limit + 1)
    return page_of(db.session.scalars(query).all(), limit=limit, key=lambda admin: admin.id)


def _one_change_at_a_time() -> None:
    # Two owners who disable each other at once must not both succeed.
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('tanhui admins'))"))


def _check_role(role: str) -> None:
    if role not in ROLES:
        message = gettext("Take one of %(roles)s.", roles=", ".join(ROLES))
        raise ValidationFailedError.of({"role": message})


def _set_password(admin: Admin, password: str) -> None:
    passwords.check_strength(password)
    admin.password_hash = passwords.hash_of(password)
    admin.failures = 0
    admin.locked_until = None


def _refuse_to_lose_the_last_owner() -> None:
    left = select(func.count()).where(Admin.role == "owner", Admin.disabled_at.is_(None))
    if db.session.scalar(left) == 0:
        raise LastOwnerError


def _state(admin: Admin) -> dict[str, object]:
    return {"role": admin.role, "disabled": admin.disabled_at is not None}


def _record(admin: Admin, *, action: str, by: str, **states: dict[str, object]) -> None:
    audit.record(actor=by, action=f"admin.{action}", object_kind="admin", object_id=admin.id, **states)
