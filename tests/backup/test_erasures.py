"""Who has erased their account since a backup was made stays erased when it is restored."""

import pytest
from sqlalchemy import text

from backend.account import cancelling
from backend.database import db, transaction

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
    with other.app.app_context():
        with transaction():
            db.session.execute(text(statement))
        db.engine.dispose()


def leave(other, resident):
    with other.app.app_context():
        with transaction():
            assert cancelling.erase(resident.resident_id, by="test:somebody")
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


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


def test_after_a_recovery_they_are_named_in_a_file(site, city, tmp_path):
    named = tmp_path / "erased.csv"
    site.address.connect().close()
    with site.address.connect() as connection, named.open("wb") as file, connection.cursor() as cursor:
        told = f"SELECT resident_id, joined_at FROM residents WHERE resident_id = {city.anna.resident_id}"
        with cursor.copy(f"COPY ({told}) TO STDOUT (FORMAT csv)") as rows:
            file.writelines(bytes(row) for row in rows)
    said = site.run("look-over", "a moment ago", "--erased", named)
    assert "Erased again, as they had erased their account since: 1." in said
    assert site.ask(ANNA.format(city.anna.resident_id)) == GONE


def test_a_line_that_names_nobody_is_refused_before_anything_is_done(site, city, tmp_path):
    named = tmp_path / "erased.csv"
    named.write_text("17,yesterday\n")
    assert "'17,yesterday' is not the number" in site.run("look-over", "a moment ago", "--erased", named, status=1)
    assert site.ask("SELECT count(*) FROM audit_log WHERE action = 'site.restored'") == [(0,)]
