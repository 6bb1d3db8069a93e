"""Who leaves and signs in again: what was done before counts no second time, and what is done after counts."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from backend import clock
from backend.database import db, transaction
from backend.residents.models import Departure
from backend.rewards.models import Reward
from tests.account.person import BAG, DAY, FIRST_OF_NEXT, HOUR, NEW_YEAR, NOON, Person, slug
from tests.append_only import changeable
from tests.books import differences

RIDE = {"task": "bike_ride", "activity": {"quantity": 3000, "unit": "m"}}


def test_steps_count_once_however_often_one_leaves(lin):
    first = lin.walk(1, 2, 3)
    assert {day["status"] for day in first["days"]} == {"credited"}
    lin.leave_and_come()
    again = lin.walk(1, 2, 3)
    assert {(day["status"], day["reason"]) for day in again["days"]} == {("refused", "too-old")}
    assert again["wallet"] == {"balance": 0}


def test_a_declared_ride_counts_once_however_often_one_leaves(lin):
    yesterday = {"what": RIDE, "ago": DAY, "client_reference": "r-1"}
    assert slug(lin.act(**yesterday)) == (201, "credited")
    lin.leave_and_come()
    assert slug(lin.act(**yesterday)) == (422, "too-old")


def test_of_a_batch_what_was_done_before_counts_no_second_time(lin):
    def send():
        at = [clock.rfc3339(clock.now() - ago * DAY) for ago in range(1, 4)]
        return lin.ask("POST", "/actions/batch", {"actions": [{**BAG, "occurred_at": each} for each in at]}).json

    assert [result["status"] for result in send()["results"]] == ["credited"] * 3
    lin.leave_and_come()
    assert [result["reason"] for result in send()["results"]] == ["too-old"] * 3


def test_the_day_of_leaving_counts_no_further_and_its_tasks_show_as_done(lin):
    assert slug(lin.act()) == (201, "credited")
    lin.leave_and_come()
    assert slug(lin.act(ago=timedelta(0))) == (409, "daily-limit-reached")
    shown = {task["code"]: task["state"] for task in lin.ask("GET", "/tasks").json["items"]}
    assert (shown["own_bag"], shown["save_water"], shown["own_cup"]) == ("done", "done", "done")
    assert lin.ask("GET", "/tasks/own_bag").json["state"] == "done"


def test_what_is_done_from_the_next_day_on_counts(lin, travel):
    lin.act()
    lin.leave()
    travel.move_to(NOON + 4 * DAY)
    lin.come()
    assert [slug(lin.act(ago=ago * DAY))[1] for ago in (5, 4, 3, 2, 1, 0)] == [
        "too-old",
        "daily-limit-reached",
        *["credited"] * 4,
    ]
    assert [day.get("reason") for day in lin.walk(5, 4, 3)["days"]] == ["too-old", "daily-limit-reached", None]
    assert lin.ask("GET", "/tasks/own_cup").json["state"] == "available"
    assert differences(with_actions=True) == []


def test_who_comes_for_the_first_time_is_credited_for_the_days_before(lin):
    assert slug(lin.act(ago=3 * DAY)) == (201, "credited")


def test_another_persons_leaving_takes_nothing_from_who_comes(app, lin):
    lin.leave()
    wei = Person(app, "wei")
    wei.come()
    assert slug(wei.act(ago=DAY)) == (201, "credited")
    assert db.session.query(Departure).count() == 1


def test_who_leaves_just_before_midnight_has_left_on_the_next_day(lin, travel):
    travel.move_to(NOON + 12 * HOUR - timedelta(minutes=1))
    assert slug(lin.act(ago=-timedelta(minutes=2))) == (201, "credited")
    lin.leave_and_come()
    travel.move_to(NOON + 12 * HOUR + HOUR)
    assert slug(lin.act(ago=timedelta(minutes=30))) == (409, "daily-limit-reached")


def test_what_counts_by_month_counts_again_in_the_next(lin, travel):
    with transaction(), changeable("task_versions"):
        db.session.execute(text("UPDATE task_versions SET limit_period = 'month', limit_count = 1 WHERE task_id ="
            " (SELECT id FROM green_tasks WHERE code = 'own_bag')"))  # fmt: skip
        db.session.execute(text("UPDATE catalogue_revision SET revision = revision + 1"))
    assert slug(lin.act()) == (201, "credited")
    lin.leave()
    travel.move_to(FIRST_OF_NEXT)
    lin.come()
    assert slug(lin.act(ago=DAY)) == (409, "daily-limit-reached")
    assert slug(lin.act()) == (201, "credited")


def test_the_years_points_are_brought_along(lin, travel, set_to):
    earned = lin.act().json["points"]
    set_to(points_cap_year=4 * earned - 1)
    for days in (1, 2):
        lin.leave()
        travel.move_to(NOON + days * DAY)
        lin.come()
        assert lin.act().json["points"] == earned
    travel.move_to(NOON + 3 * DAY)
    answer = lin.act().json
    assert (answer["points"], answer["points_capped_by"]) == (earned - 1, "city_year")
    travel.move_to(NEW_YEAR)
    lin.come()
    assert lin.act().json["points"] == earned


def test_points_of_another_year_are_left_there(lin, travel, set_to):
    earned = lin.act().json["points"]
    lin.leave()
    travel.move_to(NOON + DAY)
    lin.come()
    assert lin.act().json["points"] == earned
    travel.move_to(NEW_YEAR)
    lin.come()
    lin.leave_and_come()
    travel.move_to(NEW_YEAR + DAY)
    set_to(points_cap_year=earned)
    assert lin.act().json["points"] == earned


@pytest.fixture
def buy(request, give):
    """buy(person) → the answer to taking one piece of a reward of which one a month, or as asked, is to be had."""
    with transaction():
        limits = {
            "price_points": 1,
            "limit_per_resident": 1,
            "limit_period": getattr(request, "param", "month"),
            "min_level": "seed",
            "stock": None,
        }
        wanted = update(Reward).where(Reward.code == "plant_a_tree").values(**limits)
        reward_id = db.session.scalar(wanted.returning(Reward.id))
    assert reward_id

    def ask(person):
        give(1, to=person.resident)
        return person.ask("POST", "/redemptions", {"reward_id": reward_id, "quantity": 1})

    return ask


REFUSED = (409, "redemption-limit-reached")


@pytest.mark.parametrize(
    ("buy", "at", "had"),
    [
        ("day", NOON + DAY, (201, "fulfilled")),
        ("month", FIRST_OF_NEXT, (201, "fulfilled")),
        ("year", NEW_YEAR, (201, "fulfilled")),
        ("ever", NEW_YEAR, REFUSED),
    ],
    indirect=["buy"],
)
def test_a_rewards_limit_holds_on_until_its_period_is_over(lin, buy, travel, at, had):
    assert slug(buy(lin)) == (201, "fulfilled")
    for _ in range(2):
        lin.leave_and_come()
        assert slug(buy(lin)) == REFUSED
    travel.move_to(at)
    lin.come()
    assert slug(buy(lin)) == had


def test_of_what_somebody_has_not_had_there_is_a_piece_after_coming_back(lin, buy):
    lin.leave_and_come()
    bought = buy(lin)
    assert bought.status_code == 201, bought.json


def test_a_partners_trip_of_before_counts_no_second_time_beside_a_declared_one(lin, earn):
    lin.act(RIDE, ago=DAY)
    lin.leave_and_come()
    known = {"task": "bike_ride", "quantity": 3000, "unit": "m", "by": lin.resident}
    assert earn(hours_ago=24, **known).outcome.reason == "too-old"
