"""What a database that comes from a backup must not mistake for its own: what happened after the backup was made.

That is lost here and still known elsewhere. Tokens name residents by number: without care, whoever signed up after
the backup would keep a token for somebody who gets the number next. Boards in Redis may be newer than the books.
"""

from backend import audit, verified
from backend.admins import restored as admins
from backend.database import cursor, transaction, unhurried
from backend.leaderboard import epochs
from backend.preparation import schema
from backend.residents import restored as residents


def adopt(*, made_at: str) -> None:
    """Apply missing migrations; end all sessions, skip numbers that may have been given out, drop all boards.

    What verify had found before is of another time: no alarm, and no all-clear, until there was one here.
    """
    schema.bring_up_to_date()
    with transaction():
        unhurried()
        residents.start_anew()
        admins.start_anew()
        epochs.begin(cursor())
        verified.forget()
        audit.record(actor="command:backup", action="site.restored", object_kind="backup", object_id=made_at)
