"""Rewards, stock, vouchers and redemptions."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Whole


class Reward(Model):
    """Something points can be redeemed for. A constraint keeps its stock from falling below zero."""

    __tablename__ = "rewards"
    __table_args__ = (
        CheckConstraint("stock IS NULL OR stock >= 0", name="stock_not_negative"),
        CheckConstraint("price_points > 0", name="price"),
        CheckConstraint("kind IN ('physical','voucher','pickup','donation')", name="kind"),
        CheckConstraint("limit_period IN ('ever','day','month','year')", name="limit_period"),
    )

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    title: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any]]
    images: Mapped[list[Any]]
    price_points: Mapped[int]
    stock: Mapped[Whole | None]
    """Pieces left; None: unlimited (donations). Of a voucher: codes that are still available."""
    limit_per_resident: Mapped[Whole | None]
    limit_period: Mapped[str]
    on_sale_from: Mapped[datetime | None]
    on_sale_until: Mapped[datetime | None]
    min_level: Mapped[str]
    hold_days: Mapped[Whole]
    """Days after which a reserved redemption expires."""
    active: Mapped[bool]
    version: Mapped[Whole]
    created_at: Mapped[datetime]


class RewardVersion(Model):
    """What a reward was before and after each change of what points follow from."""

    __tablename__ = "reward_versions"
    __table_args__ = (UniqueConstraint("reward_id", "version"),)

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    reward_id: Mapped[Whole]
    version: Mapped[Whole]
    terms: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class StockMovement(Model):
    """Stock that an admin added or took away, with the reason."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index(None, "reward_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    reward_id: Mapped[Whole]
    delta: Mapped[Whole]
    reason: Mapped[str]
    stock_after: Mapped[Whole]
    moved_by: Mapped[str]
    moved_at: Mapped[datetime]


NOBODY = 0
"""Has the codes that were handed out in books that a backup has replaced: no resident's number."""


class Voucher(Model):
    """A code of a pool; claimed by reward with SKIP LOCKED."""

    __tablename__ = "vouchers"
    __table_args__ = (Index("vouchers_available_idx", "reward_id", "code", postgresql_where="resident_id IS NULL"),)

    reward_id: Mapped[Whole] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int | None]
    redemption_seq: Mapped[Whole | None]
    loaded_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]


class Redemption(Model):
    """Points given for a reward.

    reserved → fulfilled, or cancelled / expired with points and stock returned.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND points > 0", name="positive"),
        CheckConstraint("status IN ('reserved','fulfilled','cancelled','expired')", name="status"),
        Index("redemptions_reserved_idx", "expires_at", postgresql_where="status = 'reserved'"),
        Index("redemptions_delivery_idx", "decided_at", postgresql_where="delivery IS NOT NULL"),
        Index(None, "status", "redeemed_at"),
        Index(None, "resident_id", "reward_id"),
    )

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[Whole] = mapped_column(primary_key=True)
    reward_id: Mapped[Whole]
    reward_version: Mapped[Whole]
    quantity: Mapped[Whole]
    points: Mapped[int]
    status: Mapped[str]
    voucher_codes: Mapped[list[Any]]
    pickup_code: Mapped[str | None]
    delivery: Mapped[str | None]
    """Name, phone and address, encrypted; removed a while after fulfilment."""
    redeemed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]


SEALED = {"delivery addresses": Redemption.delivery}
"""What is sealed → the column that holds it: a change of keys seals it anew."""
