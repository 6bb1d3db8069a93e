"""Adding and naming districts and communities. A place's code, kind and district stay for good."""

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend import audit
from backend.database import db
from backend.errors import AlreadyExistsError, NotFoundError, ValidationFailedError
from backend.residents.models import Area
from backend.web.paging import Page, decode, page_of


def add(*, code: str, title: dict[str, str], district: str | None, by: str) -> Area:
    """A new district, or a community of the district of that code.

    Raises AlreadyExistsError, ValidationFailedError.
    """
    parent = None if district is None else _district(district)
    values = {
        "code": code,
        "kind": "district" if parent is None else "community",
        "district_id": None if parent is None else parent.id,
        "title": title,
        "simulated": False,
    }
    row = insert(Area).values(**values).on_conflict_do_nothing().returning(Area)
    area = db.session.scalar(row)
    if area is None:
        raise AlreadyExistsError
    _record(area, action="created", by=by, after={"title": title, "district": district})
    return area


def rename(code: str, *, title: dict[str, str], by: str) -> Area:
    """Change the title; doing it again changes nothing. Raises NotFoundError."""
    area = db.session.scalar(select(Area).where(Area.code == code).with_for_update())
    if area is None:
        raise NotFoundError
    before = area.title
    if title == before:
        return area
    area.title = title
    db.session.flush()
    _record(area, action="changed", by=by, before={"title": before}, after={"title": title})
    return area


def page(*, kind: str | None, limit: int, cursor: str | None) -> Page:
    """A page of all places, or of one kind, by code."""
    query = select(Area).where(Area.code > (decode(cursor) or "")).order_by(Area.code).limit(limit + 1)
    rows = db.session.scalars(query if kind is None else query.where(Area.kind == kind)).all()
    return page_of(rows, limit=limit, key=lambda area: area.code)


def _district(code: str) -> Area:
    area = db.session.scalar(select(Area).where(Area.code == code, Area.kind == "district"))
    if area is None:
        raise ValidationFailedError.of({"district": gettext("There is no such district: add it first.")})
    return area


def _record(area: Area, *, action: str, by: str, **states: dict[str, object]) -> None:
    audit.record(actor=by, action=f"area.{action}", object_kind="area", object_id=area.code, **states)
