"""Scores of each resident in each period: the truth behind the boards in Redis."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Small, Whole


class PeriodScore(Model):
    """What a resident's credited actions of one period add up to, and when each sum last changed."""

    __tablename__ = "period_scores"
    __table_args__ = (
        Index(None, "starts_on", "period"),
        # A row is updated again and again: room on its page keeps the update there, and the indexes out of it.
        {"postgresql_with": {"fillfactor": 80}},
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    """`day`, `week`, `month`, `year` or `all`."""
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    """First city day of the period; of `all`: 2000-01-01."""
    points: Mapped[int]
    points_reached_at: Mapped[datetime | None]
    co2e_mg: Mapped[int]
    co2e_reached_at: Mapped[datetime | None]
    actions: Mapped[Whole]


class SettledBoard(Model):
    """A past period's board as it stood when it was settled: its size and its best, for prizes.

    Those of areas hold who lived there when the period ended.
    """

    __tablename__ = "settled_boards"

    metric: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    """`city`, `district:<id>` or `community:<id>`."""
    size: Mapped[int]
    standings: Mapped[list[Any]]
    """[{rank, resident_id, score}, …], the first hundred."""
    settled_at: Mapped[datetime]


class BoardState(Model):
    """One row: which boards in Redis count. No row yet: epoch 0, not behind."""

    __tablename__ = "board_state"

    id: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    """Part of every board's key. A new one drops all boards at once, whether Redis can be reached or not."""
    behind: Mapped[bool]
    """A projector committed without having reached Redis: boards are read from PostgreSQL until one reaches it."""


class BoardProgress(Model):
    """How many batches of a partition have been projected: Redis must have seen as many, or it has lost some."""

    __tablename__ = "board_progress"

    partition: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    """The epoch in which Redis last took a batch of this partition."""
    batch: Mapped[int]
