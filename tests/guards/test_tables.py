"""What is hot stays cheap: an award changes its rows where they lie."""

import pytest
from sqlalchemy import text

from backend.database import db, transaction

RUNNING = {
    "wallets": {"balance", "earned", "entry_seq", "action_seq", "version", "co2e_mg", "actions"},
    "lots": {"remaining"},
    "yearly_points": {"points"},
}
"""What an award changes in rows that are there."""


@pytest.mark.parametrize("table", RUNNING)
def test_no_index_speaks_of_what_an_award_changes(app, table):
    # Else each award writes to every index of the row: PostgreSQL spares them (heap-only tuples) only if none of the
    # columns that changed stands in any of them, be it in its condition.
    with transaction():
        spoken_of = set(db.session.scalars(text(COLUMNS_OF_INDEXES), {"table": table}))
    assert spoken_of
    assert not spoken_of & RUNNING[table]


COLUMNS_OF_INDEXES = """
SELECT a.attname FROM pg_index i
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid
WHERE i.indrelid = to_regclass(:table)
UNION
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = to_regclass(:table)
"""
