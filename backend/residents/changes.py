"""What changed of residents, in the order of commits: for processes that keep what they once read of them.

Every change takes the one row of `names_revision` until it commits, and only then the next place in `resident_changes`.
So whoever has read up to a place has missed nothing before it, and reads on from there. Each place bears a random mark:
a database that went back in time (a restored backup, a replica that lagged) gives the place away again, but never the
mark, and the reader notices that it must begin anew. So it does where the last mark is not that of the revision: code
from before this table changed a name without it.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from backend.database import db
from backend.database.statements import AnyCursor
from backend.residents.models import NamesRevision, ResidentChange

EVERYBODY = 0
"""In place of a resident's number: all sessions were ended."""
MARK_BITS = 48
MOST = 10_000
"""Changes that a reader takes in one by one; who has missed more begins anew."""
KEPT_DAYS = 30
"""So long a change is kept, and longer where tokens last longer: nobody needs to be told of an ended token."""

_SINCE = f"""
SELECT (SELECT revision FROM names_revision WHERE id = 1), c.place, c.mark, c.resident_id, c.token_epoch
FROM (SELECT) one LEFT JOIN (SELECT * FROM resident_changes WHERE place >= %s ORDER BY place LIMIT {MOST}) c ON true
ORDER BY c.place
"""  # noqa: S608  the parts are ours
_LAST = """
SELECT (SELECT revision FROM names_revision WHERE id = 1), c.place, c.mark
FROM (SELECT) one LEFT JOIN (SELECT * FROM resident_changes ORDER BY place DESC LIMIT 1) c ON true
"""
_ENDED = """
SELECT resident_id, max(token_epoch) FROM resident_changes WHERE token_epoch IS NOT NULL GROUP BY resident_id
"""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far somebody has read: the last place, its mark, and the revision of all names; zeros: nothing was there."""

    place: int = 0
    mark: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What is new up to a place. `anew`: whatever was kept must be dropped, and `ended` is all that is known.

    `changed` are residents of whom others may see something else now; `ended` tells of ended sessions: (resident,
    the least epoch of a token that still holds), EVERYBODY in place of a resident for all of them.
    """

    at: Bookmark
    changed: Sequence[int] = ()
    ended: Sequence[tuple[int, int]] = ()
    anew: bool = False


def tell(resident_id: int, *, now: datetime, token_epoch: int | None = None) -> None:
    """Write down, in the present transaction, that what others see of a resident changes.

    `token_epoch`: sessions end too, but for tokens of this epoch. Call it last: everybody who changes a name needs the
    row that it locks.
    """
    mark = secrets.randbits(MARK_BITS)
    row = insert(NamesRevision).values(id=1, revision=mark)
    db.session.execute(row.on_conflict_do_update(index_elements=["id"], set_={"revision": row.excluded.revision}))
    # A statement of its own, which sees what was committed before the lock was ours.
    place = db.session.scalar(select(func.coalesce(func.max(ResidentChange.place), 0) + 1))
    values = {"resident_id": resident_id, "token_epoch": token_epoch, "changed_at": now}
    db.session.execute(insert(ResidentChange).values(place=place, mark=mark, **values))


def since(cursor: AnyCursor, at: Bookmark | None) -> News:
    """What was committed after a place; None: one has read nothing yet."""
    if at is not None:
        rows = cursor.execute(_SINCE, (at.place,)).fetchall()
        news = _following(rows, at)
        if news is not None:
            return news
    # First the place: what is committed between the two statements is told twice, not missed.
    revision, place, mark = cursor.execute(_LAST).fetchall()[0]
    ended = cursor.execute(_ENDED).fetchall()
    return News(Bookmark(place or 0, mark or 0, revision or 0), ended=ended, anew=True)


def forget(*, before: datetime, limit: int) -> int:
    """Remove up to `limit` changes that were made before an instant; how many. The last stays, to go on from."""
    last = select(func.max(ResidentChange.place)).scalar_subquery()
    old = select(ResidentChange.place).where(ResidentChange.changed_at < before, ResidentChange.place < last)
    gone = delete(ResidentChange).where(ResidentChange.place.in_(old.order_by(ResidentChange.place).limit(limit)))
    return len(db.session.scalars(gone.returning(ResidentChange.place)).all())


def kept_for(token_days: int) -> timedelta:
    """How long changes are kept where tokens last so long."""
    return timedelta(days=max(KEPT_DAYS, token_days + 1))


def _following(rows: Sequence[tuple[Any, ...]], at: Bookmark) -> News | None:
    """The news, if the rows go on from that place; None: they tell of another past, or not of all."""
    revision = rows[0][0] or 0
    if rows[0][1] is None:
        return News(at) if at == Bookmark(revision=revision) else None
    if len(rows) == MOST or (rows[0][1], rows[0][2]) != (at.place, at.mark):
        return None
    new = rows[1:]
    if revision != (rows[-1][2] if new else at.revision):
        return None
    changed = [row[3] for row in new]
    ended = [(row[3], row[4]) for row in new if row[4] is not None]
    return News(Bookmark(rows[-1][1], rows[-1][2], revision), changed, ended)
