"""Who has erased their account since a backup was made stays erased when it is restored."""

import pytest
from sqlalchemy import text

from backend.account import cancelling
from backend.database import db

pytestmark = pytest.mark.slow
ANNA = "SELECT state, nickname FROM residents WHERE resident_id = {}"
PRESENT, GONE = [("active", "anna")], [("erased", "")]


@pytest.fixture
def restored(site, other, city, tmp_path):
    """restored(*options) restores the backup of the city into the other site, where it has been restored before."""
    dump = site.backup(tmp_path / "backups")
    other.run("restore", dump)
    return lambda *options, status=0: other.run("restore", dump, "--replace", *options, status=status)


def change(other, statement):
    other.do(lambda: db.session.execute(text(statement)))


def leave(other, resident):
    assert other.do(lambda: cancelling.erase(resident.resident_id, by="test:somebody"))


def test_who_has_left_since_stays_away(other, city, restored):
    leave(other, city.anna)
    restored()
    anna = city.anna.resident_id
    assert other.ask(ANNA.format(anna)) == GONE
    assert other.ask(f"SELECT frozen FROM wallets WHERE resident_id = {anna}") == [(True,)]
    assert other.ask(f"SELECT actor FROM audit_log WHERE action = 'resident.erased' AND object_id = '{anna}'") == [
        ("backup",)
    ]
    assert other.ask(ANNA.format(city.bert.resident_id)) == [("active", "bert")]
    restored()
    assert other.ask(ANNA.format(anna)) == GONE


def test_the_same_number_of_another_site_is_somebody_else(other, city, restored):
    anna = city.anna.resident_id
    moved = "joined_at = joined_at - INTERVAL '1 microsecond'"
    change(other, f"UPDATE residents SET state = 'erased', {moved} WHERE resident_id = {anna}")
    restored()
    assert other.ask(ANNA.format(anna)) == PRESENT


def test_where_it_cannot_be_read_nothing_is_changed_unless_so_wished(other, city, restored):
    leave(other, city.anna)
    change(other, "ALTER TABLE residents RENAME joined_at TO illegible")
    assert "cannot be read" in restored(status=1)
    assert other.ask("SELECT count(*) FROM residents WHERE state = 'erased'") == [(1,)]
    restored("--without-erasures")
    assert other.ask(ANNA.format(city.anna.resident_id)) == PRESENT
