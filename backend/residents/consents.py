"""What residents consent to: each purpose by itself, in a version of its text, until withdrawn (PIPL 14-16, 23)."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from backend.database import db
from backend.residents.models import Consent

LEADERBOARD = "leaderboard"
"""To be shown on leaderboards by name."""
VERSION = "2026-11"
"""Of the texts about all purposes that the mini-program shows now."""


def to_partner(code: str) -> str:
    """The purpose: that this partner learns what its user's records have come to here."""
    return f"partner:{code}"


def give(resident_id: int, *, purpose: str, now: datetime) -> None:
    """Record a consent; one that stands in this version stays as it is.

    Whoever gives it for this purpose always holds the same row of the resident's, so that two do not give it at once.
    """
    same = Consent.purpose == purpose, Consent.version == VERSION
    if db.session.scalar(select(exists().where(*_standing(resident_id), *same))):
        return
    given = insert(Consent).values(resident_id=resident_id, purpose=purpose, version=VERSION, given_at=now)
    # One that was given and withdrawn at this very instant stands again.
    key = ["resident_id", "purpose", "version", "given_at"]
    db.session.execute(given.on_conflict_do_update(index_elements=key, set_={"withdrawn_at": None}))


def withdraw(resident_id: int, *, purpose: str, now: datetime) -> None:
    """Withdraw what stands for a purpose, in whatever version."""
    _end(*_standing(resident_id), Consent.purpose == purpose, now=now)


def withdraw_all(resident_id: int, *, now: datetime) -> None:
    """Withdraw what stands for any purpose."""
    _end(*_standing(resident_id), now=now)


def _standing(resident_id: int) -> tuple[ColumnElement[bool], ...]:
    return Consent.resident_id == resident_id, Consent.withdrawn_at.is_(None)


def _end(*which: ColumnElement[bool], now: datetime) -> None:
    db.session.execute(update(Consent).where(*which).values(withdrawn_at=now))
