"""Lots of one resident: spending takes what expires first (see `spending`); a claw-back may leave a debt.

While there is a debt every other lot is empty, and the debt lot's (negative) remaining is the whole balance.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from backend.database import db
from backend.ledger.models import DEBT, Lot

GRACE_DAYS = 30
"""So long points can be spent that the city gives back although it had sold something for them."""


def take_into_debt(resident_id: int, points: int) -> None:
    """Take points from the earliest lots on, and what they do not hold as debt."""
    query = select(Lot).where(Lot.resident_id == resident_id, Lot.remaining > 0).order_by(Lot.expires_on)
    for lot in db.session.scalars(query.execution_options(populate_existing=True)):
        part = min(lot.remaining, points)
        lot.remaining -= part
        points -= part
        if points == 0:
            break
    db.session.flush()
    if points:
        _add(resident_id, expires_on=DEBT, points=-points)


def add(resident_id: int, *, expires_on: date, points: int, debt: int) -> None:
    """Put points into the lot of that day, after paying the debt that there is."""
    paid = min(points, debt)
    if paid:
        _add(resident_id, expires_on=DEBT, points=paid)
    if points > paid:
        _add(resident_id, expires_on=expires_on, points=points - paid)


def put_back(resident_id: int, parts: Sequence[Sequence[Any]], *, debt: int, good_until: date) -> None:
    """Put points back where they were taken from: [[expires_on, points], …]; none expires before `good_until`."""
    for day, points in parts:
        add(resident_id, expires_on=max(date.fromisoformat(day), good_until), points=points, debt=debt)
        debt = max(0, debt - points)


def _add(resident_id: int, *, expires_on: date, points: int) -> None:
    row = insert(Lot).values(resident_id=resident_id, expires_on=expires_on, remaining=points)
    more = {"remaining": Lot.remaining + row.excluded.remaining}
    db.session.execute(row.on_conflict_do_update(index_elements=["resident_id", "expires_on"], set_=more))
