"""Aggregate reductions: projections of the outbox. One row set per partition, so that projectors never meet."""

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Small, Whole

OF_ALL_TIME = date(1, 1, 1)
"""The day whose row of participants counts all who ever took part."""
ANY = -1
"""Any task, or any district, in a row of participants."""


class Total(Model):
    """Grams, points and person-times of one day, task, district and evidence tier."""

    __tablename__ = "totals"

    partition: Mapped[Small] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    task_id: Mapped[Whole] = mapped_column(primary_key=True)
    district_id: Mapped[Whole] = mapped_column(primary_key=True)
    """0: no district."""
    tier: Mapped[str] = mapped_column(primary_key=True)
    co2e_mg: Mapped[int]
    points: Mapped[int]
    actions: Mapped[int]


class Movement(Model):
    """Points moved on one day by kind of ledger movement, and how often."""

    __tablename__ = "movements"

    partition: Mapped[Small] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """`redeem`, `return`, `expire` or `adjust`."""
    points: Mapped[int]
    times: Mapped[int]


class Participation(Model):
    """How many credited actions a resident has of a task on a day in a district: tells first from further ones."""

    __tablename__ = "participations"

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    task_id: Mapped[Whole] = mapped_column(primary_key=True)
    district_id: Mapped[Whole] = mapped_column(primary_key=True)
    actions: Mapped[Whole]


class Participants(Model):
    """Distinct residents with a credited action, by day and each of its groupings; -1 stands for any.

    The row of day 0001-01-01 counts all residents who ever took part.
    """

    __tablename__ = "participants"

    partition: Mapped[Small] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    task_id: Mapped[Whole] = mapped_column(primary_key=True)
    """-1: any task."""
    district_id: Mapped[Whole] = mapped_column(primary_key=True)
    """-1: any district; 0: none."""
    residents: Mapped[int]
