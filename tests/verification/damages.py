"""Damaging the books, and reading what verify found."""

from sqlalchemy import text

from backend.database import db, transaction
from tests.append_only import APPEND_ONLY, changeable


def change_behind_our_backs(sql, **values):
    """Run a statement that no code of ours would, with the triggers that would refuse it put aside."""
    with transaction(), changeable(*(table for table in APPEND_ONLY if table in sql)):
        result = db.session.execute(text(sql), values)
        assert result.rowcount > 0, "nothing was damaged"


def differing(differences, book, subject):
    """What differs in one book of one subject: {what: (expected, found)}."""
    mine = [one for one in differences if one.book == book and one.subject == str(subject)]
    return {one.what: (one.expected, one.found) for one in mine}
