"""Period scores made anew from the actions: whatever was wrong is right, and what was right is not touched."""

import pytest
from sqlalchemy import text

from backend.database import autocommit_cursor, db, transaction
from backend.leaderboard import locks, recomputing
from backend.leaderboard.moving import moved
from backend.outbox import PARTITIONS
from backend.projector import service as projector
from tests.projections import expected_now, projected

WRITTEN = "SELECT DISTINCT resident_id FROM period_scores WHERE xmin::text::bigint > (:before)::bigint"
NOW = "SELECT pg_current_xact_id()::text::bigint & 4294967295"
DAMAGES = (
    "UPDATE period_scores SET points = points + 1 WHERE resident_id = {who} AND period = 'day'",
    "UPDATE period_scores SET co2e_mg = co2e_mg - 1 WHERE resident_id = {who} AND period = 'week'",
    "UPDATE period_scores SET actions = actions + 1 WHERE resident_id = {who} AND period = 'all'",
    "UPDATE period_scores SET points_reached_at = points_reached_at - interval '1 us' WHERE resident_id = {who}",
    "UPDATE period_scores SET co2e_reached_at = NULL WHERE resident_id = {who} AND period = 'year'",
    "UPDATE period_scores SET starts_on = starts_on - 7 WHERE resident_id = {who} AND period = 'week'",
    "DELETE FROM period_scores WHERE resident_id = {who}",
    "UPDATE period_scores SET resident_id = resident_id + 1000000 WHERE resident_id = {who} AND period = 'day'",
)


@pytest.fixture
def city(deeds, new_resident, monkeypatch):
    """Seven residents with actions of several months, some reversed; looked at in chunks of a few."""
    monkeypatch.setattr(recomputing, "ACTIONS_AT_ONCE", 5)
    residents = [new_resident(f"c{number}") for number in range(7)]
    for number, somebody in enumerate(residents):
        for step in range(3):
            deeds.record(somebody, days_ago=20 * step, metres=900 + 40 * number)
        if number % 2:
            deeds.reverse(somebody, 2)
    projector.drain()
    return residents


def asked(sql, **values):
    with transaction():
        return list(db.session.scalars(text(sql), values))


def do(sql):
    with transaction():
        db.session.execute(text(sql))


@pytest.mark.parametrize("damage", DAMAGES)
def test_any_damage_to_one_resident_is_undone_and_nobody_else_is_written(city, damage):
    right = projected()["scores"]
    do(damage.format(who=city[3].resident_id))
    (before,) = asked(NOW)
    assert len(list(recomputing.recompute())) > 2
    assert projected()["scores"] == right
    assert set(asked(WRITTEN, before=before)) <= {city[3].resident_id}


def test_scores_that_agree_are_neither_written_nor_do_projectors_wait(city):
    (before,) = asked(NOW)
    with autocommit_cursor() as cursor, cursor.connection.transaction():
        for partition in range(PARTITIONS):
            locks.take_partition(cursor, partition)
        # It would wait for us for ever.
        list(recomputing.recompute())
    assert asked(WRITTEN, before=before) == []


def test_scores_recomputed_from_the_actions_are_the_same(app, deeds, new_resident):
    for number in range(6):
        somebody = new_resident(f"r{number}")
        for step in range(3):
            deeds.record(somebody, days_ago=20 * step, metres=900 + 40 * number)
        if number % 2:
            deeds.reverse(somebody, 2)
    projector.drain()
    before = projected()
    late = new_resident("late")
    deeds.record(late)
    with transaction():
        moved(late.resident_id, now=late.joined_at)
        db.session.execute(text("UPDATE period_scores SET points = points + 7, actions = actions + 1"))
        db.session.execute(text("DELETE FROM period_scores WHERE period = 'week'"))
    for _ in recomputing.recompute():
        pass
    assert projected()["scores"] == before["scores"]
    projector.drain()
    assert projected() == expected_now()


def test_scores_come_back_from_nothing(city):
    right = projected()["scores"]
    do("TRUNCATE period_scores")
    list(recomputing.recompute())
    assert projected()["scores"] == right
