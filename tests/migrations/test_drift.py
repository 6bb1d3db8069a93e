"""What the migrations come to is what the models say: tables, columns, indexes, constraints, storage options."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from backend.backup import swapping
from backend.backup.address import Address
from backend.database import Model, db
from tests.schema_of import schema_of

OF_MIGRATIONS_ALONE = {
    "alembic_version",
    # Its id has a sequence behind it that nothing asks: every award reads this table, so it is not locked to drop one.
    "catalogue_revision",
}


@pytest.fixture
def of_the_models(settings):
    """The schema that the models make in a database of their own."""
    address = Address.of(settings.database_url).beside("tanhui_models")
    with swapping.alone(address) as neighbour:
        swapping.drop(neighbour, address)
        neighbour.execute(f"CREATE DATABASE {address.database}")
    engine = create_engine(make_url(address.url))
    try:
        with engine.begin() as connection:
            Model.metadata.create_all(connection)
            yield schema_of(connection)
    finally:
        engine.dispose()
        with swapping.alone(address) as neighbour:
            swapping.drop(neighbour, address)


def test_the_migrated_schema_is_that_of_the_models(migrated_app, of_the_models):
    with migrated_app.app_context(), db.engine.connect() as connection:
        of_the_migrations = schema_of(connection)
    differing = {each for each in of_the_migrations ^ of_the_models if each[1] not in OF_MIGRATIONS_ALONE}
    # Triggers are no part of a model.
    assert {each for each in differing if each[0] != "trigger"} == set()
