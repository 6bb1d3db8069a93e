"""The rules of a green task as an admin drafts them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft:
    """All rules of one version of a green task; quantities in the task's unit."""

    title: dict[str, str]
    description: dict[str, str]
    category: str
    icon: str
    unit: str
    quantity_min: Decimal
    quantity_max: Decimal
    quantity_typical: Decimal
    counted_max: Decimal | None
    trip: bool
    max_speed_kmh: Decimal | None
    max_duration_s: int | None
    methodology: str | None
    limit_count: int
    limit_period: str
    points_cap_day: int | None
    evidence: list[dict[str, Any]]
    unlock: dict[str, int]
    starts_at: datetime | None
    ends_at: datetime | None
