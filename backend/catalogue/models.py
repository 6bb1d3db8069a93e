"""Green tasks: a stable identity, and versions that say what counts and for how much."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Quantity, Small, Whole


class GreenTask(Model):
    """Something a resident may do; its rules are in the latest TaskVersion."""

    __tablename__ = "green_tasks"

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    position: Mapped[Whole] = mapped_column(default=0)
    created_at: Mapped[datetime]


class TaskVersion(Model):
    """The rules of a green task from one change to the next; old actions keep the version they were judged by."""

    __tablename__ = "task_versions"
    __table_args__ = (
        UniqueConstraint("task_id", "version"),
        CheckConstraint("quantity_min >= 0 AND quantity_max >= quantity_min", name="range"),
        CheckConstraint("limit_period IN ('day','month')", name="limit_period"),
    )

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    task_id: Mapped[Whole]
    version: Mapped[Whole]
    title: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any]]
    category: Mapped[str]
    """One of the seven of T/ACEF 031-2022: clothing, food, housing, travel, use, office, digital."""
    icon: Mapped[str]
    unit: Mapped[str]
    quantity_min: Mapped[Quantity]
    quantity_max: Mapped[Quantity]
    quantity_typical: Mapped[Quantity]
    counted_max: Mapped[Quantity | None]
    """Activity data above this is recorded and not counted."""
    trip: Mapped[bool]
    """A travel action: has a beginning and an end, and must not overlap with another."""
    max_speed_kmh: Mapped[Decimal | None]
    max_duration_s: Mapped[Whole | None]
    methodology: Mapped[str | None]
    """Code of the methodology; None: unquantified, counts 0 g."""
    limit_count: Mapped[Small]
    limit_period: Mapped[str]
    points_cap_day: Mapped[Whole | None]
    evidence: Mapped[list[Any]]
    """One rule an accepted tier: see `rules.EvidenceRule`."""
    unlock: Mapped[dict[str, Any]]
    """{} or {min_co2e_mg} or {min_actions}."""
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
