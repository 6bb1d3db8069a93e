"""Methodologies and emission factors: versioned rows that are never changed, only followed by others."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Whole


class Methodology(Model):
    """How grams follow from activity data: a baseline factor less a project factor, by their codes."""

    __tablename__ = "methodologies"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[Whole]
    title: Mapped[dict[str, Any]]
    unit: Mapped[str]
    baseline_factor: Mapped[str]
    project_factor: Mapped[str | None]
    source: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class EmissionFactor(Model):
    """Milligrams of CO2e for one unit of activity data, with source, region and validity."""

    __tablename__ = "emission_factors"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        CheckConstraint("value_mg >= 0", name="value_not_negative"),
        CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="validity"),
    )

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str]
    version: Mapped[Whole]
    title: Mapped[dict[str, Any]]
    value_mg: Mapped[Decimal] = mapped_column(Numeric(18, 6))
    """mg CO2e per `unit`."""
    unit: Mapped[str]
    source: Mapped[str]
    source_status: Mapped[str]
    """`read` in a published source, or `second-hand`: to be checked before a city goes live."""
    region: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class CatalogueRevision(Model):
    """One row, raised by every change of tasks, methodologies or factors: tells all caches."""

    __tablename__ = "catalogue_revision"

    id: Mapped[Whole] = mapped_column(primary_key=True, default=1)
    revision: Mapped[int] = mapped_column(default=1)
