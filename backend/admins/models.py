"""Administrators and what they have answered before."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Whole

ROLES = ("operator", "reviewer", "fulfiller", "auditor", "owner")


class Admin(Model):
    """Somebody who configures, reviews or fulfils; one role each."""

    __tablename__ = "admins"
    __table_args__ = (CheckConstraint("role IN ('operator','reviewer','fulfiller','auditor','owner')", name="role"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str]
    totp_secret: Mapped[str | None]
    """Sealed; None: no second factor yet."""
    totp_pending: Mapped[str | None]
    """Sealed; a second factor that awaits its first code."""
    totp_last_step: Mapped[int | None]
    """The last 30-second step that was accepted: a code counts once."""
    token_epoch: Mapped[Whole] = mapped_column(default=0)
    """Raised to end all sessions: a token of an earlier epoch is refused."""
    disabled_at: Mapped[datetime | None]
    failures: Mapped[Whole] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def actor(self) -> str:
        """How the audit trail and `created_by` name the admin."""
        return f"admin:{self.username}"

    @property
    def second_factor_state(self) -> dict[str, object]:
        """Whether a second factor is in force, and whether one awaits its first code, as the audit trail tells it."""
        return {"second_factor": self.totp_secret is not None, "second_factor_pending": self.totp_pending is not None}


class AdminIdempotencyKey(Model):
    """The first answer to a request of an admin that creates something."""

    __tablename__ = "admin_idempotency_keys"

    admin_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[Whole | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


SEALED = {
    "second factors": Admin.totp_secret,
    "second factors that await a code": Admin.totp_pending,
    "stored answers": AdminIdempotencyKey.body,
}
"""What is sealed → the column that holds it, in JSON as one member: a change of keys seals it anew."""
