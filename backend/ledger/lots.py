"""Lots of one resident: spending takes what expires first; a claw-back may leave a debt.

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


def take(resident_id: int, points: int) -> list[tuple[date, int]]:
    """Take points from the earliest lots on; says how many from which. The balance must reach."""
    taken, wanted = _take_up_to(resident_id, points)
    if wanted:
        raise RuntimeError(f"lots of resident {resident_id} hold {wanted} points less than the wallet says: run verify")
    return taken


def take_into_debt(resident_id: int, points: int) -> None:
    """Take points from the lots, and what they do not hold as debt."""
    _taken, owing = _take_up_to(resident_id, points)
    if owing:
        _add(resident_id, expires_on=DEBT, points=-owing)


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


def _take_up_to(resident_id: int, points: int) -> tuple[list[tuple[date, int]], int]:
    query = select(Lot).where(Lot.resident_id == resident_id, Lot.remaining > 0).order_by(Lot.expires_on)
    taken: list[tuple[date, int]] = []
    for lot in db.session.scalars(query.execution_options(populate_existing=True)):
        if points == 0:
            break
        part = min(lot.remaining, points)
        lot.remaining -= part
        points -= part
        taken.append((lot.expires_on, part))
    db.session.flush()
    return taken, points


def _add(resident_id: int, *, expires_on: date, points: int) -> None:
    row = insert(Lot).values(resident_id=resident_id, expires_on=expires_on, remaining=points)
    more = {"remaining": Lot.remaining + row.excluded.remaining}
    db.session.execute(row.on_conflict_do_update(index_elements=["resident_id", "expires_on"], set_=more))
