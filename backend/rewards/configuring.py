"""Making and changing rewards. Every change of terms is a new version; what was redeemed keeps its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import exists, select, text

from backend import audit, clock
from backend.admins.etags import require_version
from backend.database import db
from backend.errors import AlreadyExistsError, ValidationFailedError
from backend.rewards import reading, stocking, versions
from backend.rewards.models import Reward


def create(wanted: Mapping[str, Any], *, by: str) -> Reward:
    """A new reward with its first version. `wanted` has code, kind, stock and all of versions.TERMS.

    `stock` None: unlimited for a donation, nothing yet for what is handed over. Raises AlreadyExistsError,
    ValidationFailedError.
    """
    # Two admins who take the same code at once must not both find it free.
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('tanhui rewards'))"))
    if db.session.scalar(select(exists().where(Reward.code == wanted["code"]))):
        raise AlreadyExistsError
    now = clock.now()
    reward = Reward(**{**wanted, "stock": _first_stock(wanted)}, version=1, created_at=now)
    _check(reward)
    _add(reward, by=by, now=now)
    after = {"kind": reward.kind, "stock": reward.stock, **_state(reward)}
    _record(reward, action="created", by=by, after=after)
    return reward


def add_defaults(rows: Sequence[Mapping[str, Any]], *, by: str) -> int:
    """Add the rewards of a fresh site that are not there yet, by their code; returns how many."""
    now = clock.now()
    known = set(db.session.scalars(select(Reward.code)))
    missing = [row for row in rows if row["code"] not in known]
    for row in missing:
        _add(Reward(**row, active=True, version=1, created_at=now), by=by, now=now)
    return len(missing)


def change(reward_id: int, changes: Mapping[str, Any], *, expected: int, by: str) -> Reward:
    """Change some of versions.TERMS: all of it in one version, or nothing.

    What changes nothing makes no version.
    Raises NotFoundError, PreconditionFailedError, ValidationFailedError.
    """
    reward = reading.lock(reward_id)
    require_version(expected, reward.version)
    before = _state(reward)
    for name, value in changes.items():
        setattr(reward, name, value)
    _check(reward)
    if _state(reward) == before:
        return reward
    reward.version += 1
    versions.keep(reward, by=by, now=clock.now())
    db.session.flush()
    _record(reward, action="changed", by=by, before=before, after=_state(reward))
    return reward


def _add(reward: Reward, *, by: str, now: datetime) -> None:
    db.session.add(reward)
    db.session.flush()
    versions.keep(reward, by=by, now=now)
    stocking.record(reward, delta=reward.stock or 0, reason="initial stock", by=by, now=now)


def _first_stock(wanted: Mapping[str, Any]) -> int | None:
    stock: int | None = wanted["stock"]
    if wanted["kind"] == "voucher" and stock:
        raise ValidationFailedError.of(
            {"stock": gettext("The stock of a voucher reward is the number of its codes: load them afterwards.")}
        )
    return stock if stock is not None or wanted["kind"] == "donation" else 0


def _check(reward: Reward) -> None:
    opens_at, closes_at = reward.on_sale_from, reward.on_sale_until
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise ValidationFailedError.of({"on_sale_until": gettext("Must be after on_sale_from, or left out.")})


def _state(reward: Reward) -> dict[str, Any]:
    return {**versions.terms(reward), "version": reward.version}


def _record(reward: Reward, *, action: str, by: str, **states: dict[str, Any]) -> None:
    audit.record(actor=by, action=f"reward.{action}", object_kind="reward", object_id=reward.code, **states)
