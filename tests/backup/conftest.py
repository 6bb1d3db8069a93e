"""A city to back up, and another site, on a database of its own, to restore it into."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from backend import create_app
from backend.backup import swapping
from backend.backup.address import Address
from backend.database import Model, db, transaction
from backend.leaderboard import rebuilding
from backend.projector import service as projector
from backend.residents import auth
from backend.residents.models import Resident
from tests.projections import Deeds
from tests.schema_of import SCHEMA

OTHER = "tanhui_other"
CHANGED = {
    "residents",
    "resident_changes",
    "names_revision",
    "admins",
    "board_state",
    "board_progress",
    "audit_log",
    "last_verify",
}
"""Restoring ends sessions, drops boards, verifies and leaves a note."""


class Site:
    """A site as its operator has it: commands, and a look at what is in it."""

    def __init__(self, app):
        self.app = app
        self.settings = app.extensions["settings"]
        self.address = Address.of(self.settings.database_url)

    def run(self, *words, status=0, answer=""):
        """What a command says; `status` is the exit code to expect, `answer` what is said to its question."""
        with self.app.app_context():  # a command keeps to the one that it finds
            result = self.app.test_cli_runner().invoke(args=["backup", *map(str, words)], input=answer)
        assert result.exit_code == status, result.output
        return result.output

    def backup(self, folder, *options):
        """Makes one; returns the newest dump there."""
        self.run("make", "--folder", folder, *options)
        return max(folder.glob("*.dump"))

    def ask(self, statement):
        """All rows of a query, on a connection that is gone afterwards."""
        connection = self.address.connect()
        with connection:
            return connection.execute(statement).fetchall()

    def count(self, table="actions"):
        """How many rows there are; None without the table."""
        there = self.ask(f"SELECT to_regclass('public.{table}') IS NOT NULL")[0][0]
        return self.ask(f"SELECT count(*) FROM {table}")[0][0] if there else None

    def databases(self):
        """All databases that are this site's, former ones and unfinished ones too."""
        found = self.ask("SELECT datname FROM pg_database ORDER BY 1")
        return [name for (name,) in found if name.startswith(self.address.database)]

    def rows(self):
        """A fingerprint of each table's rows, of those that restoring leaves as they are."""
        names = [table.name for table in Model.metadata.sorted_tables if table.name not in CHANGED]
        return {
            name: self.ask(f"SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {name} t")
            for name in names
        }

    def schema(self):
        """Everything that the database knows of tables, as text."""
        return self.ask(SCHEMA)

    def has_statistics(self):
        """Whether the planner knows the tables."""
        return self.ask("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'actions'") == [(True,)]

    def headers(self, resident):
        """The Authorization header of somebody who signs in now."""
        with self.app.app_context():
            token = auth.issue(db.session.get(Resident, resident.resident_id)).token
            self._let_go()
        return {"Authorization": f"Bearer {token}"}

    def let_go(self):
        """Leave no connection of this process behind: restoring wants nobody connected."""
        with self.app.app_context():
            self._let_go()

    def _let_go(self):
        # The first site's pool is in use by the test itself.
        if self.address.database == OTHER:
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()

    def get(self, path, headers):
        """The answer to a request; no connection stays behind."""
        return self._answer("GET", path, headers=headers)

    def post(self, path, body, headers):
        """The same, of what is sent."""
        return self._answer("POST", path, headers=headers, json=body)

    def do(self, deed):
        """What deed() gives, done in a transaction of this site; no connection stays behind."""
        with self.app.app_context():
            with transaction():
                given = deed()
            self._let_go()
        return given

    def _answer(self, method, path, **request):
        with self.app.app_context():
            answer = self.app.test_client().open(f"/api/v1{path}", method=method, **request)
            self._let_go()
        return answer


@pytest.fixture
def site(app):
    """The site that is backed up."""
    return Site(app)


@pytest.fixture
def other(app, settings, tmp_path):
    """Another site, without even a schema; it shares Redis with the first, whose newer data it must not trust."""
    address = Address.of(settings.database_url).beside(OTHER)
    with swapping.alone(address) as neighbour:
        swapping.drop(neighbour, address)
        neighbour.execute(f"CREATE DATABASE {OTHER}")
    made = create_app(replace(settings, database_url=address.url, tanhui_var=tmp_path / "other"))
    yield Site(made)
    made.extensions["redis"].close()
    with swapping.alone(address) as neighbour:
        for left in (address, *(aside.address for aside in swapping.left_aside(neighbour, address))):
            swapping.drop(neighbour, left)


@pytest.fixture
def keepsake(other):
    """Something in the other site's database; keepsake() says whether it is still there."""
    with other.address.connect() as connection:
        connection.execute("CREATE TABLE keepsake AS SELECT 42 AS number")

    def is_there(database=OTHER):
        with other.address.beside(database).connect() as connection:
            return connection.execute("SELECT number FROM keepsake").fetchall() == [(42,)]

    return is_there


@pytest.fixture
def city(app, settings, new_resident):
    """Two residents with a few deeds, on boards; `live()` lets somebody new do something."""
    anna, bert = (new_resident(name, district_id=1, leaderboard_consent=True) for name in ("anna", "bert"))
    deeds = Deeds(settings)
    for day in range(1, 4):
        deeds.record(anna, days_ago=day)
        deeds.record(bert, days_ago=day, metres=3_000)
    projector.drain()
    list(rebuilding.rebuild())
    numbers = itertools.count()
    return SimpleNamespace(
        anna=anna, bert=bert, live=lambda: deeds.record(new_resident(f"n{next(numbers)}", district_id=1))
    )


@pytest.fixture
def damage(app):
    """damage(statement) changes a row behind our backs."""

    def change(statement):
        with transaction():
            db.session.execute(text(statement))

    return change


@pytest.fixture
def dump(site, city, tmp_path):
    """A backup of the city."""
    return site.backup(tmp_path / "backups")
