"""What follows a recovery to a moment: only where it is meant, and only while nobody is at work."""

import pytest

from tests.backup.test_erasures import ANNA, GONE

pytestmark = pytest.mark.slow
MOMENT = "2026-11-26 19:14:47.189488+00"
NOTES = "SELECT object_id FROM audit_log WHERE action = 'site.restored' ORDER BY id"


@pytest.fixture
def recovered(site, other, city, tmp_path):
    """recovered(*words) runs look-over on the city, in a database of its own."""
    other.run("restore", site.backup(tmp_path / "backups"))

    def look_over(*words, **more):
        other.let_go()
        try:
            return other.run("look-over", *words, **more)
        finally:
            other.let_go()

    return look_over


def notes(other):
    return [moment for (moment,) in other.ask(NOTES)]


@pytest.mark.parametrize("moment", ["garbage", "a moment ago", "2026-11-26", "2026-11-26 19:14:47"])
def test_what_is_no_moment_is_refused_and_nothing_is_done(site, city, moment):
    assert f"{moment!r} is no moment" in site.run("look-over", moment, "--yes", status=1)
    assert notes(site) == []


def test_while_others_are_connected_it_is_refused(other, recovered):
    before = notes(other)
    with other.address.connect():
        assert "is in use (1 × tanhui backup): stop the site first" in recovered(MOMENT, "--yes", status=1)
    assert notes(other) == before


def test_it_asks_and_does_nothing_unless_told_to(other, recovered):
    before = notes(other)
    said = recovered(MOMENT, status=1)
    assert "come from 2026-11-26T19:14:47.189488Z? Everybody will have to sign in again" in said
    recovered(MOMENT, status=1, answer="n\n")
    assert notes(other) == before
    assert "all agree" in recovered(MOMENT, answer="y\n")
    assert notes(other) == [*before, "2026-11-26T19:14:47.189488Z"]


def test_who_has_left_since_is_named_in_a_file(other, city, recovered, tmp_path):
    named = tmp_path / "erased.csv"
    told = f"SELECT resident_id, joined_at FROM residents WHERE resident_id = {city.anna.resident_id}"
    with (
        other.address.connect() as connection,
        named.open("wb") as file,
        connection.cursor().copy(f"COPY ({told}) TO STDOUT (FORMAT csv)") as rows,
    ):
        file.writelines(bytes(row) for row in rows)
    said = recovered(MOMENT, "--yes", "--erased", named)
    assert "Erased again, as they had erased their account since: 1." in said
    assert other.ask(ANNA.format(city.anna.resident_id)) == GONE


def test_a_line_that_names_nobody_is_refused_before_anything_is_done(other, recovered, tmp_path):
    before = notes(other)
    named = tmp_path / "erased.csv"
    named.write_text("17,yesterday\n")
    assert "'17,yesterday' is not the number" in recovered(MOMENT, "--yes", "--erased", named, status=1)
    assert notes(other) == before
