"""The audit trail: append-only, a trigger refuses every update and delete."""

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model


class AuditRow(Model):
    """Who changed what, when: the state before and after, as far as the change touched it."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "object_kind", "object_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    """`admin`, `resident`, `partner`, `job` or `command`."""
    actor: Mapped[str]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
