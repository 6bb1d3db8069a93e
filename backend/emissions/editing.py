"""Adding versions of emission factors and methodologies. Rows are only ever added: old actions keep theirs.

Each verb tells the caches before it reads anything, which lets one editor in at a time.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from backend import audit, clock
from backend.admins.etags import require_version
from backend.database import db
from backend.emissions import revision
from backend.emissions.models import EmissionFactor, Methodology
from backend.errors import AlreadyExistsError, NotFoundError, ValidationFailedError
from backend.web.paging import Page, decode, decode_number, page_of

Versioned = TypeVar("Versioned", EmissionFactor, Methodology)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorDraft:
    """All of a factor that may change, and its unit, which may not."""

    title: dict[str, str]
    value_mg: Decimal
    unit: str
    source: str
    source_status: str
    region: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodologyDraft:
    """All of a methodology that may change, and its unit, which may not."""

    title: dict[str, str]
    unit: str
    baseline_factor: str
    project_factor: str | None
    source: str


def add_factor(code: str, draft: FactorDraft, *, by: str) -> EmissionFactor:
    """The first version of a factor; raises AlreadyExistsError, ValidationFailedError."""
    revision.changed()
    _refuse_taken(EmissionFactor, code)
    _check_factor(draft)
    return _add(EmissionFactor, code, draft=draft, version=1, by=by)


def change_factor(code: str, changes: Mapping[str, Any], *, expected: int, by: str) -> EmissionFactor:
    """The next version of a factor; raises NotFoundError, PreconditionFailedError, ValidationFailedError."""
    revision.changed()
    before = latest(EmissionFactor, code)
    require_version(expected, before.version)
    draft = replace(FactorDraft(**_state(FactorDraft, before)), **changes)
    _check_factor(draft)
    return _add(EmissionFactor, code, draft=draft, version=before.version + 1, by=by)


def add_methodology(code: str, draft: MethodologyDraft, *, by: str) -> Methodology:
    """The first version of a methodology; raises AlreadyExistsError, ValidationFailedError."""
    revision.changed()
    _refuse_taken(Methodology, code)
    _check_methodology(draft)
    return _add(Methodology, code, draft=draft, version=1, by=by)


def change_methodology(code: str, changes: Mapping[str, Any], *, expected: int, by: str) -> Methodology:
    """The next version of a methodology; raises as `change_factor` does."""
    revision.changed()
    before = latest(Methodology, code)
    require_version(expected, before.version)
    draft = replace(MethodologyDraft(**_state(MethodologyDraft, before)), **changes)
    _check_methodology(draft)
    return _add(Methodology, code, draft=draft, version=before.version + 1, by=by)


def latest(model: type[Versioned], code: str) -> Versioned:
    """The latest version; raises NotFoundError."""
    found = _latest_or_none(model, code)
    if found is None:
        raise NotFoundError(_l("There is nothing with the code %(code)s.", code=code))
    return found


def page(model: type[Versioned], *, limit: int, cursor: str | None) -> Page:
    """A page of the latest versions, by code."""
    query = select(model).where(model.code > (decode(cursor) or "")).ext(distinct_on(model.code))
    rows = db.session.scalars(query.order_by(model.code, model.version.desc()).limit(limit + 1)).all()
    return page_of(rows, limit=limit, key=lambda row: row.code)


def versions(model: type[Versioned], code: str, *, limit: int, cursor: str | None) -> Page:
    """A page of all versions of one code, newest first; raises NotFoundError."""
    before = decode_number(cursor)
    query = select(model).where(model.code == code).order_by(model.version.desc()).limit(limit + 1)
    rows = db.session.scalars(query if before is None else query.where(model.version < before)).all()
    if not rows and before is None:
        raise NotFoundError(_l("There is nothing with the code %(code)s.", code=code))
    return page_of(rows, limit=limit, key=lambda row: row.version)


def _latest_or_none(model: type[Versioned], code: str) -> Versioned | None:
    query = select(model).where(model.code == code).order_by(model.version.desc()).limit(1)
    return db.session.scalar(query)


def _refuse_taken(model: type[Versioned], code: str) -> None:
    if _latest_or_none(model, code) is not None:
        raise AlreadyExistsError


def _check_factor(draft: FactorDraft) -> None:
    if draft.valid_to is not None and draft.valid_to <= draft.valid_from:
        raise ValidationFailedError.of({"valid_to": gettext("Must be after valid_from, or left out.")})


def _check_methodology(draft: MethodologyDraft) -> None:
    problems = {}
    for field in ("baseline_factor", "project_factor"):
        code = getattr(draft, field)
        factor = _latest_or_none(EmissionFactor, code) if code is not None else None
        if code is not None and factor is None:
            problems[field] = gettext("There is no such factor: add it first.")
        elif factor is not None and factor.unit != draft.unit:
            problems[field] = gettext("The factor is per %(unit)s: units must be the same.", unit=factor.unit)
    if problems:
        raise ValidationFailedError.of(problems)


def _state(draft: type[Any], row: EmissionFactor | Methodology) -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(draft)}


def _add(
    model: type[Versioned], code: str, *, draft: FactorDraft | MethodologyDraft, version: int, by: str
) -> Versioned:
    before = _latest_or_none(model, code)
    row = model(code=code, version=version, created_at=clock.now(), created_by=by, **asdict(draft))
    db.session.add(row)
    db.session.flush()
    kind = "factor" if model is EmissionFactor else "methodology"
    audit.record(
        actor=by,
        action=f"{kind}.{'created' if before is None else 'changed'}",
        object_kind=kind,
        object_id=code,
        before=None if before is None else {**_state(type(draft), before), "version": before.version},
        after={**asdict(draft), "version": version},
    )
    return row
