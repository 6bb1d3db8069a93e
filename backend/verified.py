"""What verify last found: one row, of which every web server tells the alarm, and which no restart forgets.

All times are the database's own, so that clocks of machines play no part in which of two was the later one.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Model, db


class LastVerify(Model):
    """One row: of all verifies that came to an end, the one of the newest moment. No row yet: there was none."""

    __tablename__ = "last_verify"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[datetime]
    """The moment as of which everything was compared."""
    ended_at: Mapped[datetime]
    differences: Mapped[int]
    residents: Mapped[int]
    """How many were looked at; so are the following."""
    actions: Mapped[int]
    entries: Mapped[int]
    boards: Mapped[int]


LAST = text("SELECT ended_at, differences FROM last_verify WHERE id = 1")
_FORGET = text("DELETE FROM last_verify")
# One that began before another and ended after it knows less. A moment in the future is of a clock that was wrong.
_WRITE = text("""
INSERT INTO last_verify AS l (id, as_of, ended_at, differences, residents, actions, entries, boards)
VALUES (1, :as_of, now(), :differences, :residents, :actions, :entries, :boards)
ON CONFLICT (id) DO UPDATE SET as_of = excluded.as_of, ended_at = excluded.ended_at,
    differences = excluded.differences, residents = excluded.residents, actions = excluded.actions,
    entries = excluded.entries, boards = excluded.boards
WHERE l.as_of <= excluded.as_of OR l.as_of > excluded.ended_at
""")


def tell(*, as_of: datetime, differences: int, residents: int, actions: int, entries: int, boards: int) -> None:
    """Write down, in the present transaction, what a verify that ends now has found and how much it looked at.

    Nothing changes where another one of a later moment has ended already.
    """
    looked_at = {"residents": residents, "actions": actions, "entries": entries, "boards": boards}
    db.session.execute(_WRITE, {"as_of": as_of, "differences": differences, **looked_at})


def forget() -> None:
    """Take the row away, in the present transaction: as if there had been no verify."""
    db.session.execute(_FORGET)
