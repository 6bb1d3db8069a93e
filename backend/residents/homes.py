"""Where residents lived before they moved: a board that is settled goes by the end of its period (docs/adr/0029)."""

from datetime import date

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from backend import clock
from backend.database import db
from backend.residents.models import Move, Resident

KEPT_DAYS = 90
"""So long after the days of grace a move is kept: far longer than any settling is late."""
MOVED_SINCE = """
SELECT DISTINCT ON (resident_id) resident_id, district_id, community_id FROM moves WHERE day > %(ends_on)s
ORDER BY resident_id, day
"""
"""SQL: who has moved after a city day, and where they lived when it ended."""

Home = tuple[int | None, int | None]
"""District and community."""


def home(resident: Resident) -> Home:
    """Where somebody lives now."""
    return resident.district_id, resident.community_id


def left(resident_id: int, before: Home) -> None:
    """Write down where a resident lived until now; of a day's moves the first counts.

    Expects the resident's row locked: the day is read here, since of two moves the later must not be of an earlier day.
    """
    district_id, community_id = before
    move = insert(Move).values(
        resident_id=resident_id,
        day=clock.local_day(clock.now()),
        district_id=district_id,
        community_id=community_id,
    )
    db.session.execute(move.on_conflict_do_nothing())


def erase(resident_id: int) -> None:
    """Remove where a resident has lived."""
    db.session.execute(delete(Move).where(Move.resident_id == resident_id))


def forget(*, before: date, limit: int) -> int:
    """Remove up to `limit` moves of before a day; returns how many."""
    old = select(Move.resident_id, Move.day).where(Move.day < before).limit(limit)
    gone = [tuple(key) for key in db.session.execute(old)]
    db.session.execute(delete(Move).where(tuple_(Move.resident_id, Move.day).in_(gone)))
    return len(gone)
