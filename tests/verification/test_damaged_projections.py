"""Totals, scores and boards that are damaged behind our backs are named; the command says so."""

import json

import pytest
from sqlalchemy import text

from backend import redis
from backend.database import db, transaction
from tests.verification.damages import differing as of

# projections


def test_a_total(city, found, damage):
    damage(
        "UPDATE totals SET co2e_mg = co2e_mg + 1 WHERE (partition, day, task_id, district_id, tier) ="
        " (SELECT partition, day, task_id, district_id, tier FROM totals WHERE co2e_mg > 0 LIMIT 1)"
    )
    ((what, (expected, told)),) = of(found(), "totals", "city").items()
    assert what.endswith("milligrams")
    assert int(told) == int(expected) + 1


def test_a_movement(city, found, damage):
    damage("UPDATE movements SET times = times + 1 WHERE kind = 'expire'")
    assert list(of(found(), "movements", "city").values()) == [("1", "2")]


@pytest.mark.parametrize(
    "which",
    [
        "day = '0001-01-01'",
        "day > '0001-01-01' AND task_id = -1 AND district_id = -1",
        "task_id > 0 AND district_id > 0",
    ],
)
def test_a_count_of_participants(city, found, damage, which):
    damage(
        f"UPDATE participants SET residents = residents + 1 WHERE (partition, day, task_id, district_id) ="
        f" (SELECT partition, day, task_id, district_id FROM participants WHERE {which} LIMIT 1)"
    )
    ((expected, told),) = of(found(), "participants", "city").values()
    assert int(told) == int(expected) + 1


def test_a_participation(anna, found, damage):
    damage(
        "DELETE FROM participations WHERE resident_id = :id AND day = (SELECT min(day) FROM participations"
        " WHERE resident_id = :id)",
        id=anna,
    )
    differences = found()
    assert all(pair[1] == "0" for pair in of(differences, "participations", anna).values())
    assert of(differences, "participants", "city")


@pytest.mark.parametrize("period", ["day", "week", "month", "year", "all"])
def test_a_score_of_a_period(anna, found, damage, period):
    damage(
        "UPDATE period_scores SET points = points + 1 WHERE resident_id = :id AND period = :period AND starts_on ="
        " (SELECT max(starts_on) FROM period_scores WHERE resident_id = :id AND period = :period)",
        id=anna,
        period=period,
    )
    ((what, (expected, told)),) = of(found(), "scores", anna).items()
    assert what.startswith(f"{period} from ")
    assert int(told) == int(expected) + 1


def test_points_that_moved_from_one_day_to_another(anna, found, damage, one):
    which = "resident_id = :id AND period = 'day'"
    move = f"UPDATE period_scores SET points = points + :more WHERE {which} AND starts_on = :day"
    damage(move, id=anna, more=1, day=one(f"SELECT min(starts_on) FROM period_scores WHERE {which}", id=anna))
    damage(move, id=anna, more=-1, day=one(f"SELECT max(starts_on) FROM period_scores WHERE {which}", id=anna))
    assert len(of(found(), "scores", anna)) == 2


def test_a_row_of_the_outbox_that_was_lost(city, found, damage):
    damage("DELETE FROM outbox WHERE kind = 'action'")
    differences = found()
    assert {one.book for one in differences} == {"scores", "participations", "totals"}


# boards in Redis


def test_a_score_in_redis_that_differs(anna, found, key):
    score = redis.client().zscore(key, str(anna))
    redis.client().zincrby(key, 1, str(anna))
    ((what, pair),) = of(found(), "boards", anna).items()
    assert what == "score on points:all:2000-01-01:city"
    assert pair == (f"{score:.0f}", f"{score + 1:.0f}")


def test_a_member_that_redis_has_lost(anna, found, key):
    redis.client().zrem(key, str(anna))
    ((_, told),) = of(found(), "boards", anna).values()
    assert told == "no member"


@pytest.mark.parametrize("member", ["4711", "nobody"])
def test_a_member_too_many(city, found, key, member):
    redis.client().zadd(key, {member: 12345})
    assert list(of(found(), "boards", member).values()) == [("no member", "12345")]


def test_boards_that_are_not_there_are_no_difference(city, found):
    redis.client().flushdb()
    assert found() == []


def test_boards_that_are_behind_are_no_difference(anna, found, key):
    with transaction():
        db.session.execute(text("UPDATE board_state SET behind = TRUE"))
    redis.client().zincrby(key, 1, str(anna))
    assert found() == []


# the command


def test_the_command_names_the_difference_and_ends_with_one(app, anna, damage):
    damage("UPDATE wallets SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id", id=anna)
    result = app.test_cli_runner().invoke(args=["verify"])
    assert result.exit_code == 1
    assert "milligrams" in result.output
    assert "1 differences in 5 residents" in result.output


def test_the_command_says_it_in_json_too(app, anna, damage):
    damage("UPDATE actions SET co2e_mg = co2e_mg + 1 WHERE resident_id = :id", id=anna)
    result = app.test_cli_runner().invoke(args=["verify", "--json", "--limit", "2"])
    said = json.loads(result.output)
    assert result.exit_code == 1
    assert (len(said["differences"]), said["count"] > 2, said["residents"]) == (2, True, 5)
    assert said["differences"][0].keys() == {"book", "subject", "what", "expected", "found"}


def test_the_command_says_that_all_agree(app, city):
    result = app.test_cli_runner().invoke(args=["verify"])
    assert result.exit_code == 0
    assert result.output.startswith("5 residents, ")
    assert "all agree" in result.output
