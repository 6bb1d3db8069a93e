"""Residents, how they sign in, where they live and what they consented to."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, Whole


class Resident(Model):
    """A person using the mini-program. An erased resident keeps the row, without anything personal."""

    __tablename__ = "residents"
    __table_args__ = (
        CheckConstraint("state IN ('active','erased')", name="state"),
        Index(None, "district_id"),
        Index(None, "community_id"),
        Index("residents_nickname_idx", "nickname", postgresql_ops={"nickname": "text_pattern_ops"}),
    )

    resident_id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    state: Mapped[str] = mapped_column(default="active")
    nickname: Mapped[str] = mapped_column(default="")
    avatar_url: Mapped[str | None]
    district_id: Mapped[Whole | None]
    community_id: Mapped[Whole | None]
    leaderboard_consent: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Nothing that they chose is shown to others: so it is exactly while an active resident's wallet is frozen."""
    session_key: Mapped[str | None]
    """WeChat's session key, encrypted; never leaves the server."""
    simulated: Mapped[bool] = mapped_column(default=False)
    token_epoch: Mapped[Whole] = mapped_column(default=0)
    """Raised to end all sessions: a token of an earlier epoch is refused."""
    joined_at: Mapped[datetime]
    left_on: Mapped[date | None]
    """The same person has left an account before, on this city day: nothing of that day or before counts again."""
    left_points: Mapped[int | None]
    """What that account had earned in the year of `left_on`: the yearly cap reckons with it."""
    left_taken: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Rewards by number → pieces that it had taken in the limit's period of `left_on`."""


class Move(Model):
    """Where a resident lived when a city day began on which they moved; `homes` writes and reads it."""

    __tablename__ = "moves"
    __table_args__ = (Index(None, "day"),)

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    district_id: Mapped[int | None]
    community_id: Mapped[int | None]


class NamesRevision(Model):
    """One row, made anew by every change of what others may see of somebody: tells all who keep names.

    A random number, so that one that was used before never comes again; no row: nothing has changed yet. Held until
    the change commits, it also puts the rows of `resident_changes` into the order of commits.
    """

    __tablename__ = "names_revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]


class ResidentChange(Model):
    """That others see something else of a resident, or that sessions were ended; `place` counts 1, 2, 3 … as committed.

    `changes` writes and reads it. Number 0 stands for all residents.
    """

    __tablename__ = "resident_changes"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mark: Mapped[int]
    """The revision of all names that this change made."""
    resident_id: Mapped[int]
    token_epoch: Mapped[int | None]
    """Tokens of an earlier epoch have ended; None: none has."""
    changed_at: Mapped[datetime]


class Identity_(Model):  # noqa: N801  SQLAlchemy's Identity is something else
    """Who signs in as whom: keyed by the provider's own id, for WeChat the openid."""

    __tablename__ = "identities"

    provider: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(index=True)


class Departure(Model):
    """That somebody has left: known again by a keyed hash of the provider's own id, without number, name or openid.

    `departures` writes and reads it. Whoever comes back takes it along, and the row goes.
    """

    __tablename__ = "departures"
    __table_args__ = (Index(None, "forget_on"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    subject_hash: Mapped[str] = mapped_column(primary_key=True)
    left_on: Mapped[date]
    """A day and no moment: it must not tell which of the erased residents this was."""
    year_points: Mapped[int]
    """Earned in the year of `left_on`."""
    taken: Mapped[dict[str, Any]]
    """As `Resident.left_taken`; of rewards that are limited by resident alone."""
    owed: Mapped[int]
    """Points of a debt, above zero."""
    frozen: Mapped[bool]
    frozen_reason: Mapped[str | None]
    """The reason that the resident could read."""
    forget_on: Mapped[date]


class Area(Model):
    """A district, or a community within one: what scopes of boards and totals are made of."""

    __tablename__ = "areas"
    __table_args__ = (CheckConstraint("(kind = 'district') = (district_id IS NULL)", name="kind"),)

    id: Mapped[Whole] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    """`district` or `community`."""
    district_id: Mapped[Whole | None]
    title: Mapped[dict[str, Any]]
    simulated: Mapped[bool] = mapped_column(default=False)


class Consent(Model):
    """One consent to one purpose in one version of its text, and when it was withdrawn (PIPL 14-16)."""

    __tablename__ = "consents"

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    given_at: Mapped[datetime] = mapped_column(primary_key=True)
    withdrawn_at: Mapped[datetime | None]


class IdempotencyKey(Model):
    """The first answer to a request of a resident that creates something; kept for a day."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    resident_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[Whole | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


SEALED = {"WeChat session keys": Resident.session_key}
"""What is sealed → the column that holds it: a change of keys seals it anew."""
