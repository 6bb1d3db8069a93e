"""Rules about all tables: what a distributed PostgreSQL needs is kept from the first migration on."""

import pytest
from sqlalchemy import UniqueConstraint, text

from backend import tables  # noqa: F401  makes all models known
from backend.database import Model, db, transaction

TABLES = {table.name: table for table in Model.metadata.sorted_tables}
KEYED_BY_SOMETHING_ELSE = {
    "identities": "who signs in is found by the provider's id",
    "external_events": "keeps (partner, external id) unique, and is keyed by those alone",
    "bindings": "found by the partner's own subject",
    "vouchers": "claimed by reward",
    "resident_changes": "read in the order of commits",
}
OWNED = {name: t for name, t in TABLES.items() if "resident_id" in t.c and name not in KEYED_BY_SOMETHING_ELSE}


def test_there_are_tables_to_look_at():
    assert {"wallets", "actions", "ledger_entries", "lots", "redemptions"} <= set(OWNED)


@pytest.mark.parametrize("table", OWNED)
def test_a_residents_table_starts_its_keys_with_resident_id(table):
    keys = [list(OWNED[table].primary_key.columns)]
    keys += [list(c.columns) for c in OWNED[table].constraints if isinstance(c, UniqueConstraint)]
    keys += [list(index.columns) for index in OWNED[table].indexes if index.unique]
    assert all(key[0].name == "resident_id" for key in keys)


def test_no_foreign_key_points_to_a_residents_row():
    pointing = [
        (name, key.target_fullname)
        for name, t in TABLES.items()
        for c in t.c
        for key in c.foreign_keys
        if key.target_fullname.split(".")[0] in OWNED
    ]
    assert not pointing


def test_every_exception_still_exists():
    assert set(KEYED_BY_SOMETHING_ELSE) <= set(TABLES)


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
