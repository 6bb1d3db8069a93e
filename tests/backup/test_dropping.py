"""A database is dropped whoever is at work in it, a client or PostgreSQL itself; it is replaced when all have gone."""

import os
import time
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy.engine import make_url

from backend.backup import swapping

VACUUMED_SLOWLY = """
CREATE TABLE dust WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1) AS
SELECT lpad('', 500, 'x') FROM generate_series(1, 20000);
DELETE FROM dust
"""
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND datname = %s"
PATIENCE_S = 60


@pytest.fixture
def superuser(settings):
    """A connection of the superuser's, who alone sees autovacuum, while that looks at each database once a second."""
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("only the superuser of the embedded server may hurry autovacuum")
    url = make_url(settings.database_url).set(drivername="postgresql", username="postgres", database="postgres")
    with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
        for change in ("SET autovacuum_naptime = '1s'", "RESET autovacuum_naptime"):
            connection.execute(f"ALTER SYSTEM {change}")
            connection.execute("SELECT pg_reload_conf()")
            if "RESET" not in change:
                yield connection


def test_it_is_dropped_though_somebody_is_connected(other):
    connection = other.address.connect()
    with swapping.alone(other.address) as neighbour:
        swapping.drop(neighbour, other.address)
        swapping.drop(neighbour, other.address)
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        connection.execute("SELECT 1")


def test_who_has_just_hung_up_is_no_reason_to_refuse(other, monkeypatch):
    leaving = other.address.connect()
    # Is there at the first look, and hangs up then: as late as can be.
    hanging_up = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: leaving.close())
    monkeypatch.setattr(swapping, "time", hanging_up)
    monkeypatch.setattr(swapping, "LEAVING_S", PATIENCE_S)
    with swapping.alone(other.address) as neighbour:
        swapping.refuse_while_used(neighbour, other.address)
    assert leaving.closed


def test_it_is_dropped_though_autovacuum_is_at_work_in_it(other, superuser):
    with other.address.connect() as connection:
        for statement in VACUUMED_SLOWLY.split(";"):
            connection.execute(statement)
    with swapping.alone(other.address) as neighbour:
        _wait_for_autovacuum(superuser, other.address.database)
        swapping.drop(neighbour, other.address)
        left = neighbour.execute("SELECT FROM pg_database WHERE datname = %s", (other.address.database,)).fetchall()
    assert not left


def _wait_for_autovacuum(superuser, database):
    deadline = time.monotonic() + PATIENCE_S
    while not superuser.execute(AT_WORK, (database,)).fetchone()[0]:
        assert time.monotonic() < deadline, "autovacuum has not come"
        time.sleep(0.05)
