"""Damaging the books, and reading what verify found."""

from sqlalchemy import text

from backend.database import db, transaction

SWITCH = "ALTER TABLE ledger_entries {} TRIGGER ledger_entries_append_only"


def change_behind_our_backs(sql, **values):
    """Run a statement that no code of ours would, with the trigger that keeps entries append-only put aside."""
    with transaction():
        db.session.execute(text(SWITCH.format("DISABLE")))
        result = db.session.execute(text(sql), values)
        db.session.execute(text(SWITCH.format("ENABLE")))
        assert result.rowcount > 0, "nothing was damaged"


def differing(differences, book, subject):
    """What differs in one book of one subject: {what: (expected, found)}."""
    mine = [one for one in differences if one.book == book and one.subject == str(subject)]
    return {one.what: (one.expected, one.found) for one in mine}
