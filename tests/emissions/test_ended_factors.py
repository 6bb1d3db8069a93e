"""A factor that has ended: nothing older takes its place, and what it credited before stays right."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from backend import clock
from backend.emissions.rules import Factor, Quantifier
from backend.verification import verify

OWN_BAG = "/api/v1/admin/factors/own_bag"
START, END = date(2026, 3, 1), date(2026, 6, 1)
BEFORE, DAY = START - timedelta(days=1), timedelta(days=1)


def version(number, *, begins=START, ends=None, value=5):
    texts = dict.fromkeys(("code", "unit", "source", "source_status", "region"), "x")
    return Factor(
        id=number, version=number, title={}, value_mg=Decimal(value), valid_from=begins, valid_to=ends, **texts
    )


def used(quantifier, day):
    found = quantifier.on(day)
    return found.baseline.version if found else "ended" if quantifier.has_ended(day) else "not begun"


@pytest.mark.parametrize(
    ("day", "expected"),
    [(BEFORE, "not begun"), (START, 2), (END - DAY, 2), (END, "ended"), (END + 99 * DAY, "ended")],
)
def test_an_open_version_is_not_used_again_after_the_next_one_has_ended(day, expected):
    assert used(Quantifier(1, baselines=[version(1), version(2, ends=END)], projects=None), day) == expected


@pytest.mark.parametrize(("day", "expected"), [(START, 1), (END - DAY, 1), (END, 2), (END + 99 * DAY, 2)])
def test_a_version_that_begins_later_leaves_the_days_before_it_to_the_one_before(day, expected):
    assert used(Quantifier(1, baselines=[version(1), version(2, begins=END)], projects=None), day) == expected


@pytest.mark.parametrize(("day", "expected"), [(END - DAY, 2), (END, 3)])
def test_a_further_version_takes_the_end_back(day, expected):
    versions = [version(1), version(2, ends=END), version(3, begins=END)]
    assert used(Quantifier(1, baselines=versions, projects=None), day) == expected


@pytest.mark.parametrize(("day", "expected"), [(BEFORE, "not begun"), (START, 1), (END, "ended")])
def test_it_takes_both_factors(day, expected):
    open_ended, ending = [version(1, begins=date(2020, 1, 1))], [version(1, ends=END)]
    assert used(Quantifier(1, baselines=open_ended, projects=ending), day) == expected
    assert used(Quantifier(1, baselines=ending, projects=open_ended), day) == expected


def test_days_are_safe_only_where_nothing_can_end_or_has_yet_to_begin():
    assert Quantifier(1, baselines=[version(1)], projects=None).holds_from(START)
    assert not Quantifier(1, baselines=[version(1)], projects=None).holds_from(BEFORE)
    assert not Quantifier(1, baselines=[version(1)], projects=[version(1, ends=END)]).holds_from(START)


@pytest.fixture
def change(client, admin_headers):
    """change(…) → the factor of bags has its second version."""

    def patch(**changes):
        headers = admin_headers("operator", **{"If-Match": '"1"'})
        answer = client.patch(OWN_BAG, json={name: day.isoformat() for name, day in changes.items()}, headers=headers)
        assert answer.status_code == 200, answer.text

    return patch


@pytest.fixture
def bag(client, resident, headers):
    def send(at):
        body = {"task": "own_bag", "occurred_at": clock.rfc3339(at)}
        return client.post("/api/v1/actions", json=body, headers=headers(resident))

    return send


@pytest.fixture
def state(client, resident, headers):
    """state() → how the task stands, as the list says and as its page says."""

    def get():
        listed = client.get("/api/v1/tasks", headers=headers(resident)).json["items"]
        shown = client.get("/api/v1/tasks/own_bag", headers=headers(resident)).json["state"]
        assert [task["state"] for task in listed if task["code"] == "own_bag"] == [shown]
        return shown

    return get


def test_a_task_is_over_with_its_factor_and_what_was_credited_before_stays_right(bag, change, state):
    now = clock.now()
    today = clock.local_day(now)
    assert bag(now).status_code == 201
    change(valid_to=today)
    assert state() == "ended"
    refused = bag(now)
    assert (refused.status_code, refused.json["type"]) == (409, "task-ended")
    yesterday = bag(clock.day_bounds(today)[0] - timedelta(minutes=1))
    assert [factor["version"] for factor in yesterday.json["explanation"]["factors"]] == [2]
    assert list(verify()) == []


def test_a_task_ends_with_the_day_on_which_its_factor_does(change, state):
    tomorrow = clock.local_day(clock.now()) + DAY
    change(valid_to=tomorrow)
    assert state() == "available"
    with time_machine.travel(clock.day_bounds(tomorrow)[0] + timedelta(minutes=1)):
        assert state() == "ended"


def test_a_task_whose_first_factor_is_yet_to_begin_is_locked_until_then(
    client, admin_headers, headers, resident, bag, change, state
):
    tomorrow = clock.local_day(clock.now()) + DAY
    operator = admin_headers("operator", **{"If-Match": '"1"'})
    factor = {
        **client.get(OWN_BAG, headers=operator).json,
        "code": "bag_of_tomorrow",
        "valid_from": tomorrow.isoformat(),
    }
    given = {name: value for name, value in factor.items() if name not in {"version", "created_at", "created_by"}}
    assert client.post("/api/v1/admin/factors", json=given, headers=operator).status_code == 201
    url, body = "/api/v1/admin/methodologies/own_bag", {"baseline_factor": "bag_of_tomorrow"}
    assert client.patch(url, json=body, headers=operator).status_code == 200
    assert (state(), bag(clock.now()).json["type"]) == ("locked", "too-old")
    assert client.get("/api/v1/tasks/own_bag", headers=headers(resident)).json["unlock"]["progress"] == 0
    with time_machine.travel(clock.day_bounds(tomorrow)[0] + timedelta(minutes=1)):
        assert state() == "available"
