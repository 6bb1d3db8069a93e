"""What the migrations leave behind where nobody has done anything yet."""

import os
import subprocess

import psycopg
import pytest
from sqlalchemy.engine import make_url

from backend.backup import swapping
from backend.backup.address import Address
from tests.migrations.conftest import flask
from tests.migrations.old_code import ROOT

ANALYZED = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples >= 0"
)


@pytest.fixture
def new_site(settings, tmp_path):
    """A database that nothing but the migrations has touched."""
    address = Address.of(settings.database_url).beside("tanhui_new")
    with swapping.alone(address) as neighbour:
        swapping.drop(neighbour, address)
        neighbour.execute(f"CREATE DATABASE {address.database}")
    environment = {**os.environ, "DATABASE_URL": address.url, "TANHUI_VAR": str(tmp_path)}
    told = {"capture_output": True, "text": True}
    upgraded = subprocess.run(flask("db", "upgrade"), check=False, cwd=ROOT, env=environment, **told)
    assert upgraded.returncode == 0, upgraded.stderr
    yield make_url(address.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with swapping.alone(address) as neighbour:
        swapping.drop(neighbour, address)


def test_no_table_of_a_new_site_is_known_to_be_empty(new_site):
    # Statements are planned once. For a table that was analyzed while it was empty they would read all of it, for as
    # long as nobody analyzes it anew, and the first awards of a city would take longer from one to the next.
    with psycopg.connect(new_site) as connection:
        assert connection.execute(ANALYZED).fetchall() == []
