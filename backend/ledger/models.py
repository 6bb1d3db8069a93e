"""Two books a resident: points (entries, lots, holds) and grams; the wallet row is their running state and lock."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Small, Whole

DEBT = date(9999, 12, 31)
"""Expiry day of the one lot that may be negative: what a claw-back left owing."""


class Wallet(Model):
    """The running state of a resident's books. Every change raises `version`; every writer holds or compares it."""

    __tablename__ = "wallets"
    __table_args__ = (
        CheckConstraint("balance = earned - spent - expired + adjusted", name="balance_matches"),
        CheckConstraint("held >= 0 AND held <= spent", name="held"),
        CheckConstraint("entry_seq >= 0 AND action_seq >= 0 AND redemption_seq >= 0", name="sequences"),
        # Room for the next version of a row on its own page: no index has to learn of it (heap-only tuples).
        {"postgresql_with": {"fillfactor": 70}},
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)
    """Points that can be spent now; below zero only after a claw-back."""
    held: Mapped[int] = mapped_column(default=0)
    """Points in reserved redemptions: gone from the balance, not yet captured."""
    earned: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)
    expired: Mapped[int] = mapped_column(default=0)
    adjusted: Mapped[int] = mapped_column(default=0)
    entry_seq: Mapped[Whole] = mapped_column(default=0)
    action_seq: Mapped[Whole] = mapped_column(default=0)
    redemption_seq: Mapped[Whole] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    co2e_mg: Mapped[int] = mapped_column(default=0)
    actions: Mapped[Whole] = mapped_column(default=0)
    frozen: Mapped[bool] = mapped_column(default=False)
    """A frozen resident earns and spends nothing."""


class LedgerEntry(Model):
    """One immutable movement of points between a resident and a contra account; a trigger refuses changes."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("resident_id", "reference_kind", "reference_id", "kind"),
        CheckConstraint("points <> 0", name="moves_something"),
        CheckConstraint("contra IN ('issuance','redemption','expiry','adjustment')", name="contra"),
        CheckConstraint("kind IN ('award','reversal','redeem','return','expire','adjust')", name="kind"),
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[Whole] = mapped_column(primary_key=True)
    kind: Mapped[str]
    contra: Mapped[str]
    points: Mapped[int]
    balance_after: Mapped[int]
    reference_kind: Mapped[str]
    """`action`, `redemption`, `lot` or `adjustment`."""
    reference_id: Mapped[int]
    """The resident's own number of that thing (actions.seq, redemptions.seq, …; a lot: its day as YYYYMMDD)."""
    posted_at: Mapped[datetime]


class Lot(Model):
    """Points of a resident that expire on one day; spending takes the earliest first."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0 OR expires_on = DATE '9999-12-31'", name="only_debt_is_negative"),
        # Not by `remaining`: a column that an index speaks of cannot change without telling all indexes of the row.
        Index("lots_open_idx", "expires_on", postgresql_where="NOT closed"),
        # A feed changes the lots of all its residents at once, which lie side by side if they came side by side. With
        # room for all of them the rows stay on their pages, no index is written, and the table does not grow either.
        {"postgresql_with": {"fillfactor": 50}},
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    expires_on: Mapped[date] = mapped_column(primary_key=True)
    remaining: Mapped[int]
    closed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its day has passed, and what was left then was posted as expired: nothing happens to it any more."""


class Hold(Model):
    """Points taken from lots for a purpose that may still be called off."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("points > 0", name="holds_something"),
        CheckConstraint("state IN ('held','captured','released')", name="state"),
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    reference_kind: Mapped[str] = mapped_column(primary_key=True)
    reference_id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]
    state: Mapped[str]
    lots: Mapped[list[Any]]
    """[[expires_on, points], …]: where they go back to on release."""
    created_at: Mapped[datetime]


class YearlyPoints(Model):
    """Points that a resident's actions of one city year earned: what the yearly cap is measured by."""

    __tablename__ = "yearly_points"
    # Half, as in lots.
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[Small] = mapped_column(primary_key=True)
    points: Mapped[int]


class Adjustment(Model):
    """Points given or taken by hand: takes effect when a second admin approves."""

    __tablename__ = "adjustments"
    __table_args__ = (CheckConstraint("requested_by <> decided_by", name="four_eyes"),)

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    points: Mapped[int]
    reason: Mapped[str]
    status: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
