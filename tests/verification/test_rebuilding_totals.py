"""`flask totals rebuild`: whatever verify names of the city's totals is put right, and verify agrees."""

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.leaderboard import rebuilding, recomputing
from backend.projector import service as projector
from tests.verification.damages import differing

ONE = "WHERE ctid = (SELECT ctid FROM {table} WHERE {value} <> 0 ORDER BY {key} LIMIT 1)"
WRONG = {
    "totals": (
        "UPDATE totals SET co2e_mg = co2e_mg + 1",
        "UPDATE totals SET points = points - 7, actions = actions + 1 {one}",
        "UPDATE totals SET co2e_mg = 0, points = 0, actions = 0 {one}",
        "UPDATE totals SET day = day + 4000 {one}",
        "UPDATE totals SET task_id = task_id + 1000 {one}",
        "UPDATE totals SET district_id = district_id + 1000 {one}",
        "UPDATE totals SET tier = 'hearsay' {one}",
        "UPDATE totals SET partition = partition + 100 {one}",
        "UPDATE totals SET partition = (partition + 1) % 8",
        "INSERT INTO totals VALUES (3, '2026-01-01', 1, 0, 'photo', 5, 5, 5)",
        "DELETE FROM totals {one}",
        "TRUNCATE totals",
    ),
    "movements": (
        "UPDATE movements SET points = points + 1 {one}",
        "UPDATE movements SET times = times - 1",
        "UPDATE movements SET day = day + 4000 {one}",
        "UPDATE movements SET kind = 'adjust', day = day + 1 WHERE kind = 'redeem'",
        "UPDATE movements SET partition = partition + 100 {one}",
        "INSERT INTO movements VALUES (3, '2026-01-01', 'expire', 5, 1)",
        "DELETE FROM movements {one}",
        "TRUNCATE movements",
    ),
    "participations": (
        "UPDATE participations SET actions = actions + 1",
        "UPDATE participations SET actions = 0 {one}",
        "UPDATE participations SET day = day + 4000 {one}",
        "UPDATE participations SET task_id = task_id + 1000 {one}",
        "UPDATE participations SET district_id = district_id + 1000 {one}",
        "UPDATE participations SET resident_id = resident_id + 1000000 {one}",
        "INSERT INTO participations SELECT min(resident_id), '2026-01-01', 1, 0, 2 FROM residents",
        "DELETE FROM participations {one}",
        "TRUNCATE participations",
    ),
    "participants": (
        "UPDATE participants SET residents = residents + 1",
        "UPDATE participants SET residents = 0 {one}",
        "UPDATE participants SET residents = residents - 1 WHERE day = '0001-01-01'",
        "UPDATE participants SET day = day + 4000 {one}",
        "UPDATE participants SET task_id = task_id + 1000 {one}",
        "UPDATE participants SET district_id = district_id + 1000 {one}",
        "UPDATE participants SET partition = partition + 100 {one}",
        "INSERT INTO participants VALUES (3, '2026-01-01', -1, -1, 9)",
        "DELETE FROM participants {one}",
        "TRUNCATE participants",
    ),
}
"""Table → what somebody may have done to it."""
KEYS = {
    "totals": ("actions", "partition, day, task_id, district_id, tier"),
    "movements": ("times", "partition, day, kind"),
    "participations": ("actions", "resident_id, day, task_id, district_id"),
    "participants": ("residents", "partition, day, task_id, district_id"),
}
EACH = [pytest.param(table, sql, id=sql) for table, statements in WRONG.items() for sql in statements]
RIGHT = "All totals are right: nothing was written.\n"


@pytest.fixture
def rebuild(app):
    """rebuild() → what the command says."""

    def run():
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["totals", "rebuild"])
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def spoil(app):
    """spoil("totals", "DELETE FROM totals {one}"): `one` stands for the first row that says something."""

    def run(table, sql):
        value, key = KEYS[table]
        with transaction():
            db.session.execute(text(sql.format(one=ONE.format(table=table, value=value, key=key))))

    return run


@pytest.mark.parametrize(("table", "sql"), EACH)
def test_any_damage_to_a_table_is_undone(city, found, spoil, rebuild, table, sql):
    spoil(table, sql)
    assert table in {one.book for one in found()}
    assert f"of {table}" in rebuild()
    assert found() == []
    assert rebuild() == RIGHT
    projector.drain()
    assert found() == []


def test_all_tables_come_back_from_nothing(city, found, spoil, rebuild):
    for table in WRONG:
        spoil(table, f"TRUNCATE {table}")
    said = rebuild()
    assert all(f" of {table}" in said for table in WRONG)
    assert found() == []
    projector.drain()
    assert found() == []


def test_it_tells_how_many_rows_of_which_table_differed(city, spoil, rebuild):
    spoil("totals", "UPDATE totals SET points = points + 1 {one}")
    spoil("movements", "UPDATE movements SET day = day + 4000 {one}")
    assert rebuild() == "3 rows differed and are right now: 1 of totals, 2 of movements.\n"


def test_what_a_projector_made_of_wrong_participations_is_put_right_too(city, found, spoil, rebuild):
    spoil("participations", "UPDATE participations SET actions = actions - 1")
    projector.drain()
    rebuild()
    assert found() == []


def test_rows_of_the_outbox_that_were_lost_are_made_up_for(city, found, damage, rebuild):
    damage("DELETE FROM outbox WHERE kind <> 'moved'")
    assert differing(found(), "totals", "city")
    list(recomputing.recompute())
    list(rebuilding.rebuild())
    rebuild()
    assert found() == []


def test_nothing_differs_in_a_lively_city(city, found, rebuild):
    assert rebuild() == RIGHT
    projector.drain()
    assert rebuild() == RIGHT
    assert found() == []


def test_nothing_differs_where_nobody_is(app, rebuild):
    assert rebuild() == RIGHT


def test_who_is_erased_has_taken_part_all_the_same(anna, found, spoil, rebuild, resident_command):
    resident_command("erase", "--yes", anna)
    projector.drain()
    for table in WRONG:
        spoil(table, f"DELETE FROM {table}")
    rebuild()
    assert found() == []
    assert differing(found(), "participations", anna) == {}
    assert db.session.scalar(text("SELECT count(*) FROM participations WHERE resident_id = :id"), {"id": anna}) > 0


def test_what_is_pending_or_reversed_does_not_count(city, found, spoil, rebuild, new_resident, do, thing):
    gina = new_resident("gina")
    do(gina, thing("clean_plate", "photo", 5))
    taken_back = do(gina, thing("own_bag", "declaration", 5))
    with transaction():
        reverse(resident_id=gina.resident_id, seq=taken_back, reason="test", by="admin:test", now=clock.now())
    spoil("participations", f"INSERT INTO participations VALUES ({gina.resident_id}, '2026-01-01', 1, 0, 1)")
    assert "of participations" in rebuild()
    projector.drain()
    assert found() == []
    assert rebuild() == RIGHT
