"""Who has erased their account since a backup was made: restored with it, they would be back.

A resident is known by number and by the moment of joining: where a backup comes from another site, the same number
is somebody else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import text

from backend.account import cancelling
from backend.backup.errors import BackupError
from backend.database import db, transaction

BY = "command:backup"
ERASED = "SELECT resident_id, joined_at FROM residents WHERE state = 'erased' ORDER BY resident_id"
_BACK = text("""
SELECT r.resident_id FROM residents r
JOIN unnest(CAST(:numbers AS bigint[]), CAST(:moments AS timestamptz[])) AS erased (resident_id, joined_at)
    USING (resident_id, joined_at)
WHERE r.state <> 'erased' ORDER BY r.resident_id
""")


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody who has erased their account."""

    resident_id: int
    joined_at: datetime

    @classmethod
    def of(cls, line: str) -> Self:
        """Of `number,moment` as PostgreSQL and `str` write it; raises BackupError."""
        number, _, moment = line.partition(",")
        try:
            return cls(int(number), datetime.fromisoformat(moment.strip()))
        except ValueError as error:
            raise BackupError(
                f"{line.strip()!r} is not the number of a resident and the moment of joining, such as"
                " '17,2026-11-26 19:14:47.189488+00'. Nothing was changed."
            ) from error


def repeat(erased: Iterable[Erased]) -> int:
    """Erase again whoever is back; returns how many."""
    known = list(erased)
    numbers, moments = [one.resident_id for one in known], [one.joined_at for one in known]
    with transaction():
        back = list(db.session.scalars(_BACK, {"numbers": numbers, "moments": moments}))
    for resident_id in back:
        with transaction():
            cancelling.erase(resident_id, by=BY)
    return len(back)
