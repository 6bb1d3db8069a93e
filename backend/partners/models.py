"""Partners, their keys, and which of their users is which resident."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Whole

MOST_EVENT_AGE_DAYS = 3_660
"""Ten years. What checks the books knows days from 2000 on: a slip in a year must be refused, not credited."""


class Partner(Model):
    """An organisation that sends us trips or drop-offs."""

    __tablename__ = "partners"
    __table_args__ = (CheckConstraint("tier IN ('partner','device','check_in')", name="tier"),)

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[dict[str, Any]]
    tier: Mapped[str]
    """The evidence tier that its records have."""
    tasks: Mapped[list[Any]]
    """Codes of the green tasks it may report."""
    max_event_age_days: Mapped[Whole] = mapped_column(default=366)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[Whole] = mapped_column(default=1)
    created_at: Mapped[datetime]


class PartnerKey(Model):
    """A key pair of a partner; the secret is encrypted and shown once."""

    __tablename__ = "partner_keys"

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    partner_id: Mapped[Whole]
    key: Mapped[str] = mapped_column(unique=True)
    secret: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PartnerNonce(Model):
    """A nonce that was used; kept as long as its timestamp would still be accepted."""

    __tablename__ = "partner_nonces"
    __table_args__ = (Index(None, "used_at"),)

    partner_id: Mapped[Whole] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]


class Binding(Model):
    """A partner's user id, and whose it is once a resident has bound it.

    The row exists from the first event on, so that binding and arriving events meet on its lock; where nobody has
    bound it, until no event waits any more.
    """

    __tablename__ = "bindings"
    __table_args__ = (Index(None, "resident_id"),)

    partner_id: Mapped[Whole] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int | None]
    bound_at: Mapped[datetime | None]


SEALED = {"partners' keys": PartnerKey.secret}
"""What is sealed → the column that holds it: a change of keys seals it anew."""
