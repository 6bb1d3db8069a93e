"""Rules about all tables: what a distributed PostgreSQL needs is kept from the first migration on."""

import pytest
from sqlalchemy import UniqueConstraint

from backend import tables  # noqa: F401  makes all models known
from backend.database import Model

TABLES = {table.name: table for table in Model.metadata.sorted_tables}
KEYED_BY_SOMETHING_ELSE = {
    "identities": "who signs in is found by the provider's id",
    "external_events": "keeps (partner, external id) unique, and is keyed by those alone",
    "bindings": "found by the partner's own subject",
    "vouchers": "claimed by reward",
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
