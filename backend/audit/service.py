"""Writing and reading the audit trail: each row in the transaction of the change that it tells of."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import has_request_context
from sqlalchemy import select

from backend import clock
from backend.audit.models import AuditRow
from backend.database import db
from backend.logs import request_id
from backend.web.paging import Page, decode_number, page_of

SECRETS = frozenset(
    {"password", "password_hash", "secret", "totp_secret", "totp_pending", "otp", "token", "session_key"}
)
"""Members that never enter the trail, whoever hands them over."""


def record(
    *,
    actor: str,
    action: str,
    object_kind: str,
    object_id: str | int,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one row: who did what to which object.

    `actor` is `admin:<username>`, `resident:<id>`, `command:<name>` or `job:<name>`; `action` is such as
    `task.changed`. Where both states are given, only the members that differ are kept; secrets are left out.
    """
    was, became = _plain(before), _plain(after)
    if was is not None and became is not None:
        was, became = _only_changed(was, became), _only_changed(became, was)
    actor_kind, _, name = actor.partition(":")
    db.session.add(
        AuditRow(
            at=clock.now(),
            actor_kind=actor_kind,
            actor=name,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            before=was,
            after=became,
            request_id=request_id() if has_request_context() else None,
        )
    )


def find(*, object_kind: str | None, object_id: str | None, actor: str | None, limit: int, cursor: str | None) -> Page:
    """A page of the trail, newest first; `actor` is `admin:alice`, or just `alice`."""
    wanted = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit + 1)
    before = decode_number(cursor, below=2**63)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    if object_kind is not None:
        wanted = wanted.where(AuditRow.object_kind == object_kind)
    if object_id is not None:
        wanted = wanted.where(AuditRow.object_id == object_id)
    if actor is not None:
        kind, _, name = actor.rpartition(":")
        wanted = wanted.where(AuditRow.actor == name)
        wanted = wanted.where(AuditRow.actor_kind == kind) if kind else wanted
    return page_of(db.session.scalars(wanted).all(), limit=limit, key=lambda row: row.id)


def latest(*, action: str, object_kind: str, object_id: str | int) -> AuditRow | None:
    """The newest row of an action upon one object; None: there is none."""
    about = AuditRow.object_kind == object_kind, AuditRow.object_id == str(object_id)
    # By the time and not by the key: in the key's order PostgreSQL might go back through the trail of all objects,
    # instead of sorting the few rows that the index has of this one.
    newest = select(AuditRow).where(*about, AuditRow.action == action).order_by(AuditRow.at.desc(), AuditRow.id.desc())
    return db.session.scalar(newest.limit(1))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items() if name not in SECRETS}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value


def _only_changed(state: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in other or other[name] != value}
