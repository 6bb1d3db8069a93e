"""GET /tasks and GET /tasks/{code}: the catalogue as one resident sees it today."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from backend import clock
from backend.account.task_schemas import TaskDetailSchema, TaskSchema
from backend.catalogue import service as catalogue
from backend.catalogue.models import TaskVersion
from backend.database import db, transaction
from backend.emissions import revision
from backend.ledger.models import Wallet
from tests.append_only import changeable


@pytest.fixture
def tasks(app, client, resident, headers):
    """tasks() → the tasks by code."""

    def get(language="en"):
        with app.app_context():  # a new one, as each request has: the language is kept in it
            answer = client.get("/api/v1/tasks", headers={"Accept-Language": language, **headers(resident)})
        assert answer.status_code == 200, answer.json
        assert answer.json["next_cursor"] is None
        return {task["code"]: task for task in answer.json["items"]}

    return get


@pytest.fixture
def submit(client, resident, headers):
    def send(task, *, at=None, **body):
        body["occurred_at"] = clock.rfc3339(at or clock.now())
        answer = client.post("/api/v1/actions", json={"task": task, **body}, headers=headers(resident))
        assert answer.status_code == 201, answer.json
        return answer.json

    return send


def change(code, **columns):
    with transaction(), changeable("task_versions"):
        version_id = catalogue.current().task(code).version_id
        db.session.execute(update(TaskVersion).where(TaskVersion.id == version_id).values(**columns))
        revision.changed()


def test_all_tasks_are_listed_in_the_order_of_the_catalogue(tasks):
    assert len(tasks()) == 21
    assert list(tasks())[:3] == ["bike_ride", "metro_ride", "bus_ride"]


def test_a_task_tells_what_to_do_and_what_it_is_worth(tasks):
    assert tasks()["walk_steps"] == {
        "code": "walk_steps",
        "title": "Walk",
        "category": "travel",
        "icon": "walk",
        "evidence": ["device"],
        "activity": {"unit": "steps", "min": 1000, "max": 100000, "typical": 8000},
        "reward": {"text": "1 point per 200 steps, at most 50", "points_max": 50},
        "state": "available",
        "unlock": {"rule": None, "progress": 1.0},
        "limits": {"per_day": 1, "used_today": 0, "per_month": None, "used_this_month": 0},
        "quantified": True,
    }


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ev_charge", "1 point per 100 g CO2e, at most 100"),
        ("clothes_recycling", "30 points per kg, at most 300"),
        ("carton_return", "5 points per item"),
        ("e_office", "1 point"),
        ("clean_plate", "photo: 5 points after review; your own word: 2 points"),
        (
            "metro_ride",
            (
                "partner's record: 1 point per 10 g CO2e, at least 5, at most 60; "
                "your own word: 1 point per 10 g CO2e, at least 5, at most 60, of which 50%"
            ),
        ),
    ],
)
def test_the_reward_is_told_in_words(tasks, code, text):
    assert tasks()[code]["reward"]["text"] == text


def test_a_task_without_a_factor_says_that_no_grams_are_counted(tasks):
    assert [tasks()[code]["quantified"] for code in ("own_cup", "own_bag")] == [False, True]


def test_the_answer_is_what_its_schema_says(tasks, client, resident, headers):
    change("e_office", unlock={"min_actions": 2}, starts_at=clock.now() + timedelta(days=1))
    assert TaskSchema(many=True).validate(list(tasks().values())) == {}
    one = client.get("/api/v1/tasks/e_office", headers=headers(resident)).json
    assert TaskDetailSchema().validate(one) == {}


def test_titles_and_rewards_speak_the_callers_language(tasks):
    english, chinese = tasks()["bike_ride"], tasks("zh-CN")["bike_ride"]
    assert english["title"] == "Ride a bike"
    assert chinese["title"] == "骑行出行"
    assert chinese["reward"]["text"].startswith("合作方记录：每 10 克 CO2e 得 1 积分，至多 60；")
    assert tasks("zh-CN")["walk_steps"]["reward"]["text"] == "每 200 步得 1 积分，至多 50"
    assert tasks("zh-CN")["carton_return"]["reward"]["text"] == "每件得 5 积分"


def test_a_task_is_done_when_its_limit_of_the_day_is_used_up_and_what_waits_counts(tasks, submit):
    submit("own_bag")
    assert (tasks()["own_bag"]["state"], tasks()["own_bag"]["limits"]["used_today"]) == ("available", 1)
    assert submit("own_bag", evidence={"kind": "photo", "photo_sha256": "a" * 64})["status"] == "pending"
    assert (tasks()["own_bag"]["state"], tasks()["own_bag"]["limits"]["used_today"]) == ("done", 2)


def test_what_was_done_yesterday_leaves_today_open(tasks, submit):
    last_minute = clock.day_bounds(clock.local_day(clock.now()))[0] - timedelta(minutes=1)
    submit("e_office", at=last_minute)
    assert (tasks()["e_office"]["state"], tasks()["e_office"]["limits"]["used_today"]) == ("available", 0)


def test_a_monthly_task_is_done_for_the_month(tasks, submit):
    change("e_office", limit_period="month")
    submit("e_office")
    shown = tasks()["e_office"]
    assert shown["state"] == "done"
    assert (shown["limits"]["per_day"], shown["limits"]["per_month"]) == (None, 1)
    assert shown["limits"]["used_this_month"] == 1


def test_another_residents_actions_use_up_nothing_of_mine(tasks, client, new_resident, headers):
    other = headers(new_resident("other"))
    given = {"task": "e_office", "occurred_at": clock.rfc3339(clock.now())}
    assert client.post("/api/v1/actions", json=given, headers=other).status_code == 201
    assert tasks()["e_office"]["state"] == "available"


@pytest.mark.parametrize(
    ("co2e_mg", "state", "progress"),
    [
        (0, "locked", 0.0),
        (2_500_000, "locked", 0.25),
        (9_999_999, "locked", 0.99),
        (10_000_000, "available", 1.0),
    ],
)
def test_a_task_unlocks_at_exactly_its_grams(tasks, resident, co2e_mg, state, progress):
    change("e_office", unlock={"min_co2e_mg": 10_000_000})
    with transaction():
        db.session.get_one(Wallet, resident.resident_id).co2e_mg = co2e_mg
    shown = tasks()["e_office"]
    assert (shown["state"], shown["unlock"]["progress"]) == (state, progress)
    assert shown["unlock"]["rule"]["text"] == "reduce 10 kg CO2e in all"
    assert shown["unlock"]["rule"]["min_co2e_g"] == 10_000.0


def test_a_task_unlocks_after_so_many_actions(tasks, submit):
    change("e_office", unlock={"min_actions": 2})
    submit("own_bag")
    assert (tasks()["e_office"]["state"], tasks()["e_office"]["unlock"]["progress"]) == ("locked", 0.5)
    assert tasks()["e_office"]["unlock"]["rule"]["text"] == "do 2 green actions"
    submit("own_bag")
    assert (tasks()["e_office"]["state"], tasks()["e_office"]["unlock"]["progress"]) == ("available", 1.0)


def test_a_task_is_locked_until_it_begins_and_ended_once_it_is_over(tasks):
    soon, past = clock.now() + timedelta(days=2), clock.now() - timedelta(seconds=1)
    change("e_office", starts_at=soon)
    change("own_bag", ends_at=past)
    shown = tasks()
    assert (shown["e_office"]["state"], shown["own_bag"]["state"]) == ("locked", "ended")
    day = clock.local_day(soon).isoformat()
    assert shown["e_office"]["unlock"] == {
        "rule": {
            "text": f"begins on {day}",
            "min_co2e_g": None,
            "min_actions": None,
            "starts_at": clock.rfc3339(soon),
        },
        "progress": 0.0,
    }


def test_who_has_reached_what_unlocks_a_task_waits_for_its_beginning(tasks, submit):
    submit("own_bag")
    change("e_office", unlock={"min_actions": 1}, starts_at=clock.now() + timedelta(days=1))
    assert (tasks()["e_office"]["state"], tasks()["e_office"]["unlock"]["progress"]) == ("locked", 0.0)
    change("e_office", starts_at=clock.now() - timedelta(seconds=1))
    assert (tasks()["e_office"]["state"], tasks()["e_office"]["unlock"]["progress"]) == ("available", 1.0)


@pytest.mark.parametrize(
    ("columns", "state", "detail"),
    [
        ({"starts_at": timedelta(days=1)}, "locked", "it had not begun"),
        ({"ends_at": timedelta(seconds=-1)}, "ended", "was over"),
    ],
)
def test_a_task_is_refused_as_what_it_is_listed(tasks, client, resident, headers, columns, state, detail):
    change("e_office", **{name: clock.now() + ahead for name, ahead in columns.items()})
    assert tasks()["e_office"]["state"] == state
    given, sign = {"task": "e_office", "occurred_at": clock.rfc3339(clock.now())}, headers(resident)
    answer = client.post("/api/v1/actions", json=given, headers={"Accept-Language": "en", **sign})
    assert (answer.status_code, answer.json["type"]) == (409, f"task-{state}")
    assert detail in answer.json["title"]
    batch = client.post("/api/v1/actions/batch", json={"actions": [given]}, headers=sign).json
    assert batch["results"][0]["reason"] == f"task-{state}"


def test_a_change_by_an_admin_shows_on_the_next_request(tasks):
    assert tasks()["own_bag"]["limits"]["per_day"] == 2
    change("own_bag", limit_count=5)
    assert tasks()["own_bag"]["limits"]["per_day"] == 5


def test_one_task_comes_with_its_description(client, resident, headers):
    change("own_bag", description={"zh": "", "en": "Bring your own."})
    answer = client.get("/api/v1/tasks/own_bag", headers={"Accept-Language": "en", **headers(resident)})
    assert answer.json["description"] == "Bring your own."
    assert answer.json["title"] == "Own shopping bag"


@pytest.mark.parametrize("code", ["nothing", "OWN_BAG", "own%20bag"])
def test_an_unknown_task_is_not_found(client, resident, headers, code):
    answer = client.get(f"/api/v1/tasks/{code}", headers=headers(resident))
    assert (answer.status_code, answer.json["type"]) == (404, "not-found")


def test_without_a_token_there_are_no_tasks(client):
    assert client.get("/api/v1/tasks").status_code == 401
