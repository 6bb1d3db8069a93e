"""Adding and changing partners, giving and revoking their keys: admins' verbs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend import audit, clock
from backend.admins.etags import require_version
from backend.database import db
from backend.errors import AlreadyExistsError, NotFoundError, ValidationFailedError
from backend.partners import service
from backend.partners.models import Partner, PartnerKey
from backend.web.paging import Page, decode_number, page_of

Accepted = Mapping[str, Collection[str]]
"""Code of each green task → the evidence tiers that it accepts (the catalogue, which lies above, knows)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerDraft:
    """All of a partner that may change."""

    title: dict[str, str]
    tier: str
    tasks: list[str]
    max_event_age_days: int
    active: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair; the secret is shown this once."""

    key: str
    secret: str


def add(code: str, draft: PartnerDraft, *, accepted: Accepted, by: str) -> Partner:
    """A new partner, without a key yet; raises AlreadyExistsError, ValidationFailedError."""
    _check(draft, accepted)
    row = insert(Partner).values(code=code, version=1, created_at=clock.now(), **asdict(draft))
    partner: Partner | None = db.session.scalar(row.on_conflict_do_nothing().returning(Partner))
    if partner is None:
        raise AlreadyExistsError
    _record(partner, action="created", by=by, after=_state(partner))
    return partner


def change(partner_id: int, changes: Mapping[str, Any], *, expected: int, accepted: Accepted, by: str) -> Partner:
    """Change what `changes` names; raises NotFoundError, PreconditionFailedError, ValidationFailedError.

    Tasks and tier are looked at where either is named: a task may have dropped the tier since they were set, and that
    must not keep anybody from switching the partner off.
    """
    partner = _lock(partner_id)
    require_version(expected, partner.version)
    before = _state(partner)
    draft = replace(PartnerDraft(**{field.name: before[field.name] for field in fields(PartnerDraft)}), **changes)
    if changes.keys() & {"tasks", "tier"}:
        _check(draft, accepted)
    for name, value in asdict(draft).items():
        setattr(partner, name, value)
    partner.version += 1
    db.session.flush()
    _record(partner, action="changed", by=by, before=before, after=_state(partner))
    return partner


def add_key(partner_id: int, *, by: str) -> NewKey:
    """A further key pair, so that a partner can change keys without a pause; raises NotFoundError."""
    partner = _lock(partner_id)
    row, secret = service.new_key(partner, now=clock.now())
    _record(partner, action="key_added", by=by, after={"key": row.key})
    return NewKey(row.key, secret)


def revoke_key(partner_id: int, key: str, *, by: str) -> None:
    """End a key for good; revoking it again changes nothing. Raises NotFoundError."""
    partner = _lock(partner_id)
    row = db.session.scalar(select(PartnerKey).where(PartnerKey.partner_id == partner_id, PartnerKey.key == key))
    if row is None:
        raise NotFoundError
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        _record(partner, action="key_revoked", by=by, before={"revoked": False}, after={"key": key, "revoked": True})


def find(partner_id: int) -> Partner:
    """The partner with that id; raises NotFoundError."""
    partner = db.session.get(Partner, partner_id)
    if partner is None:
        raise NotFoundError
    return partner


def page(*, limit: int, cursor: str | None) -> Page:
    """A page of all partners, by id."""
    query = select(Partner).where(Partner.id > (decode_number(cursor) or 0)).order_by(Partner.id)
    return page_of(db.session.scalars(query.limit(limit + 1)).all(), limit=limit, key=lambda partner: partner.id)


def keys_of(partner_id: int) -> Sequence[PartnerKey]:
    """All keys of a partner, newest first, revoked ones too; raises NotFoundError."""
    query = select(PartnerKey).where(PartnerKey.partner_id == find(partner_id).id).order_by(PartnerKey.id.desc())
    return db.session.scalars(query).all()


def _lock(partner_id: int) -> Partner:
    query = select(Partner).where(Partner.id == partner_id).with_for_update()
    partner = db.session.scalar(query.execution_options(populate_existing=True))
    if partner is None:
        raise NotFoundError
    return partner


def _check(draft: PartnerDraft, accepted: Accepted) -> None:
    problems = {}
    for place, task in enumerate(draft.tasks):
        if task not in accepted:
            problems[f"tasks.{place}"] = gettext("There is no such task.")
        elif draft.tier not in accepted[task]:
            message = gettext("The task does not accept evidence of the tier %(tier)s.", tier=draft.tier)
            problems[f"tasks.{place}"] = message
    if len(set(draft.tasks)) < len(draft.tasks):
        problems["tasks"] = gettext("Each task may stand once.")
    if problems:
        raise ValidationFailedError.of(problems)


def _state(partner: Partner) -> dict[str, Any]:
    return {field.name: getattr(partner, field.name) for field in fields(PartnerDraft)} | {"version": partner.version}


def _record(partner: Partner, *, action: str, by: str, **states: dict[str, Any]) -> None:
    audit.record(actor=by, action=f"partner.{action}", object_kind="partner", object_id=partner.code, **states)
