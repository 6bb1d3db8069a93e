"""Rules about indexes: each one costs bytes of every action, and so has a reason."""

from sqlalchemy import text

from backend.database import db, transaction
from tests.benchmarks.reasons import INDEXES, TABLES

THERE = """
SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relname = ANY(:tables)
"""


def test_every_index_of_what_grows_with_actions_has_a_reason_and_every_reason_an_index(app):
    with transaction():
        there = set(db.session.scalars(text(THERE), {"tables": list(TABLES)}))
    assert there == INDEXES.keys()
