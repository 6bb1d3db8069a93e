"""Who has left is known again for a while: else leaving would lift a freeze, a debt and every limit.

A person is known by a hash of the provider's own id, keyed by SECRET_KEY: neither number nor openid can be read from
what is kept, and who has a copy of the database but not the key cannot try whether somebody is in it.
"""

import hmac
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from backend import present
from backend.database import db
from backend.derived_keys import Purpose, derived
from backend.residents.models import Departure, Identity_

SIGNS_IN = "wechat"
"""The provider with which people sign in themselves. Whom a partner's file brings along cannot come back by leaving."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is kept of a resident's books; the fields are those of `Departure`."""

    left_on: date
    year_points: int
    taken: dict[str, int]
    owed: int
    frozen: bool
    frozen_reason: str | None
    forget_on: date


def note(resident_id: int, leaving: Leaving) -> None:
    """Write down that whoever signs in as this resident leaves.

    Expects the resident locked, and the identities still there.
    """
    mine = select(Identity_.subject).where(Identity_.resident_id == resident_id, Identity_.provider == SIGNS_IN)
    key = present.settings().secret_key
    for subject in db.session.scalars(mine):
        row = insert(Departure).values(provider=SIGNS_IN, subject_hash=_hash(subject, secret=key), **asdict(leaving))
        # There is none, but where code from before this table let somebody in again.
        same = {name: row.excluded[name] for name in asdict(leaving)}
        db.session.execute(row.on_conflict_do_update(index_elements=["provider", "subject_hash"], set_=same))


def take(provider: str, subject: str) -> Departure | None:
    """What was written down of who comes back, under SECRET_KEY or a former key; the row goes.

    Expects the identity just made by this transaction: so of several sign-ins at once only one asks.
    """
    chosen = present.settings()
    known = [_hash(subject, secret=key) for key in (chosen.secret_key, *chosen.secret_key_fallbacks)]
    mine = delete(Departure).where(Departure.provider == provider, Departure.subject_hash.in_(known))
    return _last(db.session.scalars(mine.returning(Departure)).all())


def forget(*, today: date, limit: int) -> int:
    """Remove up to `limit` of those whose time is over; returns how many."""
    key = tuple_(Departure.provider, Departure.subject_hash)
    over = select(Departure.provider, Departure.subject_hash).where(Departure.forget_on <= today).limit(limit)
    return len(db.session.execute(delete(Departure).where(key.in_(over)).returning(Departure.left_on)).all())


def _last(found: Iterable[Departure]) -> Departure | None:
    return max(found, key=lambda departure: departure.left_on, default=None)


def _hash(subject: str, *, secret: str) -> str:
    return hmac.new(_key(secret), subject.encode(), "sha256").hexdigest()


# Kept: to derive a key takes longer than all else here.
@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return derived(secret, Purpose.HASHES_OF_WHO_LEFT)
