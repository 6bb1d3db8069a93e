"""POST /actions and its kin, over HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db
from tests.contract.described import STRICT, assert_described


@pytest.fixture
def submit(client, resident, headers):
    def send(task="own_bag", *, key=None, path="/api/v1/actions", **body):
        body.setdefault("occurred_at", clock.rfc3339(clock.now() - timedelta(hours=1)))
        extra = {"Idempotency-Key": key} if key else {}
        return client.post(path, json={"task": task, **body}, headers=headers(resident) | extra)

    return send


def trip(minutes=20, *, ended_hours_ago=2, metres=2000):
    ended = clock.now() - timedelta(hours=ended_hours_ago)
    return {
        "occurred_at": clock.rfc3339(ended),
        "started_at": clock.rfc3339(ended - timedelta(minutes=minutes)),
        "activity": {"quantity": metres, "unit": "m"},
    }


def test_a_declared_bag_is_credited_and_explained(submit):
    answer = submit("own_bag")
    assert answer.status_code == 201
    body = answer.json
    assert (body["status"], body["points"], body["co2e_g"], body["wallet"]) == ("credited", 1, 5.0, {"balance": 1})
    assert body["explanation"]["formula"] == "floor(1 count × 5000 mg/count) = 5000 mg"
    assert body["explanation"]["factors"][0]["source"].startswith("Wuhan")
    assert_described(answer, method="post", path="/api/v1/actions")


@pytest.mark.parametrize(
    ("name", "optional"),
    [
        ("RecordedAction", {"points_capped_by"}),
        ("Action", {"points_capped_by", "reason"}),
        ("Explanation", set()),
        ("Measured", set()),
        ("UsedFactor", set()),
    ],
)
def test_what_is_always_told_is_required_in_the_description(name, optional):
    schema = STRICT["components"]["schemas"][name]
    assert schema["properties"].keys() - schema["required"] == optional


def test_a_declared_ride_earns_half_the_points_and_all_the_grams(submit):
    body = submit("bike_ride", **trip()).json
    assert (body["points"], body["co2e_g"]) == (9, 190.6)
    assert body["explanation"]["baseline_g"] == 208.0
    assert body["explanation"]["project_g"] == 17.4


@pytest.mark.parametrize(
    ("metres", "status"), [(299, 422), (300, 201), (20_000, 422), (8_300, 201), (8_334, 422), (8_333, 201)]
)
def test_a_ride_counts_within_its_range_and_its_speed(submit, metres, status):
    assert submit("bike_ride", **trip(metres=metres)).status_code == status


def test_a_third_declared_ride_of_a_day_is_refused_whatever_it_is_by(submit):
    noon = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1))[0] + timedelta(hours=12)
    codes = []
    for place, task in enumerate(("bike_ride", "metro_ride", "bus_ride")):
        start = noon + timedelta(hours=place)
        given = {"started_at": clock.rfc3339(start), "occurred_at": clock.rfc3339(start + timedelta(minutes=20))}
        codes.append(submit(task, activity={"quantity": 3000, "unit": "m"}, **given).status_code)
    assert codes == [201, 201, 409]


@pytest.mark.parametrize(
    ("changes", "status", "slug"),
    [
        ({"task": "no_such_task"}, 404, "not-found"),
        ({"task": "no_cutlery"}, 422, "validation-failed"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, 422, "in-the-future"),
        ({"occurred_at": "1900-01-01T00:00:00Z"}, 422, "too-old"),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, 422, "validation-failed"),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, 422, "validation-failed"),
        ({"occurred_at": "2026-01-01T00:00:00"}, 422, "validation-failed"),
        ({"activity": {"quantity": float("nan"), "unit": "count"}}, 400, "bad-request"),
        ({"activity": {"quantity": 1e300, "unit": "count"}}, 422, "validation-failed"),
        ({"activity": {"quantity": 10**400, "unit": "count"}}, 422, "validation-failed"),
        ({"activity": {"quantity": -(10**400), "unit": "count"}}, 422, "validation-failed"),
        ({"activity": {"quantity": -1, "unit": "count"}}, 422, "validation-failed"),
        ({"activity": {"quantity": True, "unit": "count"}}, 422, "validation-failed"),
        ({"activity": {"quantity": 1, "unit": "kg"}}, 422, "validation-failed"),
        ({"evidence": {"kind": "photo"}}, 422, "validation-failed"),
        ({"evidence": {"kind": "partner"}}, 422, "validation-failed"),
        ({"evidence": {"kind": "check_in", "check_in_token": "1.x.y"}}, 422, "validation-failed"),
        ({"more": 1}, 422, "validation-failed"),
        ({"client_reference": "a\x00b"}, 422, "validation-failed"),
    ],
)
def test_what_is_wrong_is_named(submit, changes, status, slug):
    answer = submit(**changes)
    assert (answer.status_code, answer.json["type"]) == (status, slug), answer.json
    assert answer.content_type == "application/problem+json"


def test_a_key_replays_and_a_key_for_another_request_is_refused(submit):
    at = clock.rfc3339(clock.now() - timedelta(hours=1))
    first, again = submit(key="k1", occurred_at=at), submit(key="k1", occurred_at=at)
    assert (first.status_code, again.status_code, first.json) == (201, 201, again.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert submit("own_cup", key="k1", occurred_at=at).json["type"] == "idempotency-key-reused"


def test_a_client_reference_is_credited_once(submit):
    assert submit(client_reference="x").status_code == 201
    assert submit(client_reference="x").json["type"] == "duplicate-action"


@pytest.mark.parametrize("batch", [False, True])
def test_an_action_is_of_the_citys_day_on_which_it_began(submit, client, resident, headers, batch):
    day = clock.local_day(clock.now()) - timedelta(days=1)
    midnight = clock.day_bounds(day)[0]
    rides = [
        {
            "task": "bike_ride",
            "started_at": clock.rfc3339(midnight + timedelta(minutes=begins)),
            "occurred_at": clock.rfc3339(midnight + timedelta(minutes=begins + 20)),
            "activity": {"quantity": 2000, "unit": "m"},
        }
        for begins in (-25, -1, 30)
    ]
    if batch:
        client.post("/api/v1/actions/batch", json={"actions": rides}, headers=headers(resident))
    else:
        assert [submit(**ride).status_code for ride in rides] == [201] * 3
    days = db.session.scalars(text("SELECT local_day FROM actions ORDER BY seq")).all()
    assert days == [day - timedelta(days=1)] * 2 + [day]


def test_a_photo_waits_for_a_reviewer(submit, client, resident, headers):
    body = submit("clean_plate", evidence={"kind": "photo", "photo_sha256": "0" * 64}).json
    assert (body["status"], body["points"], body["co2e_g"]) == ("pending", 0, 0)
    listed = client.get("/api/v1/actions?status=pending", headers=headers(resident)).json
    assert [item["id"] for item in listed["items"]] == [body["id"]]


def test_each_action_of_a_batch_has_its_own_outcome_in_the_order_given(client, resident, headers):
    at = clock.rfc3339(clock.now() - timedelta(hours=1))
    good = {"task": "own_bag", "occurred_at": at, "client_reference": "a"}
    cup = {"task": "own_cup", "occurred_at": at}
    given = [good, {"task": "own_bag"}, {"task": "nothing", "occurred_at": at}, good, cup]
    answer = client.post("/api/v1/actions/batch", json={"actions": given}, headers=headers(resident))
    assert answer.status_code == 200, answer.json
    lines = [(line["index"], line["status"], line.get("reason")) for line in answer.json["results"]]
    assert lines == [
        (0, "credited", None),
        (1, "refused", "validation-failed"),
        (2, "refused", "not-found"),
        (3, "duplicate", "duplicate-action"),
        (4, "credited", None),
    ]
    assert answer.json["wallet"] == {"balance": 2}


def test_a_number_too_long_for_any_float_is_refused_without_the_others(client, resident, headers):
    good = {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now())}
    given = [{**good, "activity": {"quantity": 10**400, "unit": "count"}}, good]
    answer = client.post("/api/v1/actions/batch", json={"actions": given}, headers=headers(resident))
    lines = [(line["status"], line.get("reason")) for line in answer.json["results"]]
    assert lines == [("refused", "validation-failed"), ("credited", None)]


def test_an_action_is_seen_by_its_own_resident_only(submit, client, new_resident, headers):
    action = submit("own_bag").json["id"]
    other = new_resident("other")
    assert client.get(f"/api/v1/actions/{action}", headers=headers(other)).status_code == 404


def test_without_a_token_nothing_is_recorded(client):
    answer = client.post("/api/v1/actions", json={"task": "own_bag", "occurred_at": clock.rfc3339(clock.now())})
    assert (answer.status_code, answer.json["type"]) == (401, "unauthenticated")
