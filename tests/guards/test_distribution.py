"""The schema keeps to the rules of a distributed PostgreSQL: nothing would have to be moved when a city grows."""

import pytest
from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, Table, UniqueConstraint, text

from backend import tables  # noqa: F401  makes all models known
from backend.database import Model, db, transaction
from tests.guards.distribution import LOCAL, OWN, REFERENCE, WITH_RESIDENTS, faults, kind_of

UNIQUE = """
SELECT c.relname, array_agg(a.attname::text ORDER BY k.place) AS columns FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE i.indisunique GROUP BY c.relname, i.indexrelid
"""


def test_nothing_is_against_distributing_the_tables():
    assert not list(faults(Model.metadata))


def test_every_decision_is_about_a_table_that_exists():
    assert OWN.keys() | REFERENCE | LOCAL <= Model.metadata.tables.keys()
    assert WITH_RESIDENTS.keys() <= REFERENCE | LOCAL


@pytest.mark.parametrize("table", ["wallets", "actions", "ledger_entries", "lots", "redemptions"])
def test_a_residents_books_lie_with_the_resident(table):
    assert kind_of(Model.metadata.tables[table]) == "resident"


def test_the_table_that_keeps_external_ids_unique_is_keyed_by_those_alone():
    assert [c.name for c in Model.metadata.tables["external_events"].primary_key] == ["partner_id", "external_id"]


def test_the_database_has_no_unique_index_that_the_models_do_not_tell_of(app):
    with transaction():
        found = [(name, columns) for name, columns in db.session.execute(text(UNIQUE)) if name != "alembic_version"]
    assert {name for name, _ in found} == Model.metadata.tables.keys()
    owned = Model.metadata.tables.keys() - OWN.keys() - REFERENCE - LOCAL
    assert not [(name, columns) for name, columns in found if name in owned and columns[0] != "resident_id"]
    assert not [(name, columns) for name, columns in found if name in OWN and OWN[name].column not in columns]


def id_column(name="resident_id", *more, **kwargs):
    return Column(name, BigInteger, *more, **kwargs)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([id_column("id", primary_key=True)], "say in"),
        ([id_column("seq", primary_key=True), id_column()], "must begin with resident_id"),
        ([id_column(primary_key=True), id_column("code"), UniqueConstraint("code")], "must name resident_id"),
        (
            [id_column(primary_key=True), id_column("code", ForeignKey("vouchers.reward_id"))],
            "must hold what both are distributed by",
        ),
        ([id_column(primary_key=True), id_column("row", ForeignKey("last_verify.id"))], "on the coordinator alone"),
        (
            [id_column("resident_id", ForeignKey("wallets.resident_id"), primary_key=True)],
            "novelty → wallets: no foreign key may point to a resident's row",
        ),
    ],
)
def test_what_could_not_be_distributed_is_found(made, said):
    metadata = MetaData()
    Table("wallets", metadata, id_column(primary_key=True))
    Table("vouchers", metadata, id_column("reward_id", primary_key=True))
    Table("last_verify", metadata, id_column("id", primary_key=True))
    Table("novelty", metadata, *made)
    assert any(said in fault for fault in faults(metadata))


def test_a_reference_table_that_points_to_a_resident_is_found():
    metadata = MetaData()
    Table("wallets", metadata, id_column(primary_key=True))
    Table("rewards", metadata, id_column("id", primary_key=True), id_column("by", ForeignKey("wallets.resident_id")))
    assert "rewards → wallets" in next(faults(metadata))


@pytest.mark.parametrize("table", ["rewards", "audit_log"])
def test_a_table_that_names_residents_and_does_not_lie_with_them_is_found(table):
    metadata = MetaData()
    Table(table, metadata, id_column("id", primary_key=True), id_column())
    assert "say why" in next(faults(metadata))
