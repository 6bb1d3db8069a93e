"""Actions, and the external records that they came from."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Quantity, Whole

STATUSES = ("credited", "pending", "refused", "reversed")
"""Of an action."""
_PHOTO = "evidence ->> 'photo_sha256'"


class Action(Model):
    """One record that a resident did a green task: activity data, evidence, outcome.

    Holds the ids of the rules and factor versions that judged it, so that every gram can be recomputed.
    """

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint("status IN ('credited','pending','refused','reversed')", name="status"),
        CheckConstraint("co2e_mg >= 0 AND points >= 0", name="not_negative"),
        CheckConstraint(
            "status IN ('credited','reversed') OR (co2e_mg = 0 AND points = 0)", name="only_credited_counts"
        ),
        Index(None, "resident_id", "happened_at"),
        Index(
            "actions_client_reference_key",
            "resident_id",
            "client_reference",
            unique=True,
            postgresql_where="client_reference IS NOT NULL",
        ),
        # Hardly any action is not credited: this one costs an award nothing.
        Index("actions_uncredited_idx", "status", "posted_at", postgresql_where="status <> 'credited'"),
        # Not unique: a photo sent again is for a reviewer to judge.
        Index("actions_photo_idx", text(f"({_PHOTO})"), postgresql_where=f"{_PHOTO} IS NOT NULL"),
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[Whole] = mapped_column(primary_key=True)
    task_id: Mapped[Whole]
    task_version_id: Mapped[Whole]
    tier: Mapped[str]
    status: Mapped[str]
    quantity: Mapped[Quantity]
    happened_at: Mapped[datetime]
    """Its beginning if it has one, else when it occurred: what day and period it belongs to."""
    ended_at: Mapped[datetime | None]
    local_day: Mapped[date]
    district_id: Mapped[Whole | None]
    """Where the resident lived when it was recorded."""
    methodology_id: Mapped[Whole | None]
    baseline_factor_id: Mapped[Whole | None]
    project_factor_id: Mapped[Whole | None]
    co2e_mg: Mapped[int]
    points: Mapped[int]
    capped_by: Mapped[str | None]
    """Which cap cut the points: `task_day`, `city_day` or `city_year`."""
    partner_id: Mapped[Whole | None]
    client_reference: Mapped[str | None]
    evidence: Mapped[dict[str, Any] | None]
    posted_at: Mapped[datetime]
    """When it was credited, or put into the queue."""
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]
    reversed_at: Mapped[datetime | None]


class ExternalEvent(Model):
    """A partner's record, once: credited to an action, or kept `unbound` until its subject binds."""

    __tablename__ = "external_events"
    __table_args__ = (
        Index("external_events_unbound_idx", "partner_id", "subject", postgresql_where="resident_id IS NULL"),
        Index("external_events_unbound_since_idx", "received_at", postgresql_where="resident_id IS NULL"),
        CheckConstraint("(resident_id IS NULL) = (action_seq IS NULL)", name="bound_or_not"),
        CheckConstraint("resident_id IS NOT NULL OR subject IS NOT NULL", name="unbound_has_subject"),
    )

    partner_id: Mapped[Whole] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int | None]
    action_seq: Mapped[Whole | None]
    subject: Mapped[str | None]
    payload: Mapped[dict[str, Any] | None]
    """The event as it came, only while unbound."""
    received_at: Mapped[datetime]
