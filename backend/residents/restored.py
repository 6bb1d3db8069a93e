"""What a restored site must see to: tokens that were given out after the backup was made are still about."""

from sqlalchemy import text

from backend import clock
from backend.database import db
from backend.residents import changes

NUMBERS_SKIPPED = 1_000_000
"""More than ever sign up between two backups: a number that was given out once must not become somebody else's."""
EPOCHS_SKIPPED = 1_000
"""More than anybody's sessions are ended between two backups."""

_SKIP = """
SELECT setval(pg_get_serial_sequence('residents', 'resident_id'),
    (SELECT coalesce(max(resident_id), 0) FROM residents) + :skipped)
"""


def start_anew() -> None:
    """End all residents' sessions, and give newcomers numbers that nobody has had."""
    db.session.execute(text(_SKIP), {"skipped": NUMBERS_SKIPPED})
    db.session.execute(text("UPDATE residents SET token_epoch = token_epoch + :skipped"), {"skipped": EPOCHS_SKIPPED})
    changes.tell(changes.EVERYBODY, now=clock.now(), token_epoch=0)
