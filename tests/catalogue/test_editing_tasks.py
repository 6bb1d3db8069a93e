"""Admins configure green tasks: complete rules or none, versions, nothing half-applied."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from backend import clock
from backend.audit.models import AuditRow
from backend.catalogue import service as catalogue
from backend.catalogue.models import GreenTask, TaskVersion
from backend.database import db

TASKS = "/api/v1/admin/tasks"
RULE = {"tier": "declaration", "basis": "fixed", "points": 3}
PLANT = {
    "code": "water_a_tree",
    "title": {"zh": "浇树", "en": "Water a tree"},
    "category": "use",
    "unit": "count",
    "quantity_min": 1,
    "quantity_max": 5,
    "quantity_typical": 1,
    "limit_count": 2,
    "evidence": [RULE],
}
FERRY = {
    "code": "ferry_ride",
    "title": {"zh": "乘坐轮渡", "en": "Take the ferry"},
    "category": "travel",
    "unit": "m",
    "quantity_min": 200,
    "quantity_max": 20000,
    "quantity_typical": 1500,
    "trip": True,
    "max_speed_kmh": 40,
    "max_duration_s": 7200,
    "methodology": "ferry_ride",
    "limit_count": 4,
    "evidence": [{"tier": "declaration", "basis": "co2e", "points": 1, "per": 1000, "max": 60}],
}


@pytest.fixture
def operator(admin_headers):
    return lambda **more: admin_headers("operator", **more)


def test_a_task_is_added_with_defaults_read_and_listed(client, operator):
    added = client.post(TASKS, json=PLANT, headers=operator())
    assert (added.status_code, added.headers["ETag"]) == (201, '"1"'), added.json
    assert {name: added.json[name] for name in PLANT if name != "evidence"} == {
        name: value for name, value in PLANT.items() if name != "evidence"
    }
    full = {"per": 1, "min": 0, "max": None, "share_percent": 100, "quantity_max": None, "review": False}
    assert added.json["evidence"] == [{**RULE, **full, "shared_limit": None}]
    assert (added.json["limit_period"], added.json["unlock"], added.json["trip"]) == ("day", {}, False)
    assert client.get(f"{TASKS}/water_a_tree", headers=operator()).json == added.json
    assert added.json in client.get(f"{TASKS}?limit=100", headers=operator()).json["items"]
    assert "water_a_tree" in catalogue.current().tasks


def test_lists_go_page_by_page(client, operator):
    codes, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{TASKS}?limit=8{cursor and '&cursor=' + cursor}", headers=operator()).json
        codes += [task["code"] for task in page["items"]]
        cursor = page["next_cursor"]
    assert codes == sorted(catalogue.current().tasks)


def test_every_default_task_passes_the_checks_that_admins_must_pass(client, operator):
    for code in sorted(catalogue.current().tasks):
        changed = client.patch(f"{TASKS}/{code}", json={"icon": "new"}, headers=operator(**{"If-Match": '"1"'}))
        assert (changed.status_code, changed.json.get("version")) == (200, 2), (code, changed.json)


def test_a_change_makes_a_version_and_keeps_the_old_one(client, operator):
    url = f"{TASKS}/walk_steps"
    before = client.get(url, headers=operator())
    changed = client.patch(
        url, json={"points_cap_day": 60, "position": 0}, headers=operator(**{"If-Match": before.headers["ETag"]})
    )
    assert (changed.status_code, changed.json["version"], changed.json["points_cap_day"]) == (200, 2, 60)
    versions = client.get(f"{url}/versions", headers=operator()).json["items"]
    assert [(row["version"], row["points_cap_day"]) for row in versions] == [(2, 60), (1, 50)]
    row = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "task")).one()
    assert row.before == {"points_cap_day": 50, "position": before.json["position"], "version": 1}
    assert row.after == {"points_cap_day": 60, "position": 0, "version": 2}
    assert catalogue.current().task("walk_steps").points_cap_day == 60


def test_of_two_admins_who_change_one_task_at_once_exactly_one_wins(app, operator):
    headers, barrier, statuses = operator(**{"If-Match": '"1"'}), threading.Barrier(2), []

    def race(cap):
        client = app.test_client()
        barrier.wait()
        statuses.append(client.patch(f"{TASKS}/bike_ride", json={"points_cap_day": cap}, headers=headers).status_code)

    threads = [threading.Thread(target=race, args=(cap,)) for cap in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412]
    task = db.session.scalars(select(GreenTask).where(GreenTask.code == "bike_ride")).one()
    versions = db.session.scalars(select(TaskVersion).where(TaskVersion.task_id == task.id)).all()
    assert sorted(row.version for row in versions) == [1, 2]


def test_two_admins_cannot_add_one_code_at_once(app, operator):
    headers, barrier, statuses = operator(), threading.Barrier(2), []

    def race():
        barrier.wait()
        statuses.append(app.test_client().post(TASKS, json=PLANT, headers=headers).status_code)

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity_typical": 6}, "quantity_typical"),
        ({"quantity_typical": 0}, "quantity_typical"),
        ({"quantity_max": 0.5}, "quantity_max"),
        ({"quantity_min": 0, "quantity_max": 0, "quantity_typical": 0}, "quantity_max"),
        ({"quantity_min": -1}, "quantity_min"),
        ({"quantity_min": 0.0001}, "quantity_min"),
        ({"quantity_max": 10**400}, "quantity_max"),
        ({"counted_max": 6}, "counted_max"),
        ({"max_speed_kmh": 25}, "max_speed_kmh"),
        ({"trip": True}, "max_duration_s"),
        ({"trip": True, "max_duration_s": 60, "max_speed_kmh": 5}, "max_speed_kmh"),
        ({"trip": True, "max_duration_s": 86401}, "max_duration_s"),
        ({"methodology": "none"}, "methodology"),
        ({"methodology": "bike_ride"}, "methodology"),
        ({"category": "sport"}, "category"),
        ({"title": {"zh": "浇树"}}, "title.en"),
        ({"limit_count": 0}, "limit_count"),
        ({"limit_count": "2"}, "limit_count"),
        ({"limit_count": True}, "limit_count"),
        ({"limit_period": "year"}, "limit_period"),
        ({"points_cap_day": -1}, "points_cap_day"),
        ({"evidence": []}, "evidence"),
        ({"evidence": [RULE, RULE]}, "evidence"),
        ({"evidence": [{**RULE, "tier": "rumour"}]}, "evidence.0.tier"),
        ({"evidence": [{**RULE, "basis": "co2e"}]}, "evidence.0.basis"),
        ({"evidence": [{**RULE, "per": 0}]}, "evidence.0.per"),
        ({"evidence": [{**RULE, "min": 5, "max": 4}]}, "evidence.0.max"),
        ({"evidence": [{**RULE, "share_percent": 101}]}, "evidence.0.share_percent"),
        ({"evidence": [{**RULE, "quantity_max": 6}]}, "evidence.0.quantity_max"),
        ({"evidence": [{**RULE, "quantity_max": 10**400}]}, "evidence.0.quantity_max"),
        ({"evidence": [{**RULE, "tier": "partner", "review": True}]}, "evidence.0.review"),
        ({"evidence": [{**RULE, "shared_limit": {"group": "g"}}]}, "evidence.0.shared_limit.per_day"),
        ({"unlock": {"min_actions": 3, "min_co2e_mg": 5}}, "unlock"),
        ({"unlock": {"min_friends": 3}}, "unlock.min_friends"),
        ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}, "ends_at"),
        ({"starts_at": "2026-01-02T00:00:00"}, "starts_at"),
    ],
)
def test_rules_that_do_not_fit_are_refused_by_name(client, operator, changes, field):
    answer = client.post(TASKS, json={**PLANT, **changes}, headers=operator())
    assert answer.status_code == 422, answer.json
    assert field in [error["field"] for error in answer.json["errors"]]
    assert db.session.scalars(select(GreenTask).where(GreenTask.code == "water_a_tree")).all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity_typical": 5},
        {"counted_max": 5},
        {"trip": True, "max_duration_s": 86400},
        {"unlock": {"min_actions": 3}},
        {"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-02T00:00:01+00:00"},
        {"evidence": [{**RULE, "min": 4, "max": 4, "quantity_max": 5}]},
    ],
)
def test_rules_at_the_very_edge_are_accepted(client, operator, changes):
    assert client.post(TASKS, json={**PLANT, **changes}, headers=operator()).status_code == 201


def test_a_change_must_fit_what_it_leaves_as_it_was(client, operator):
    headers = operator(**{"If-Match": '"1"'})
    answer = client.patch(f"{TASKS}/bike_ride", json={"quantity_max": 10000}, headers=headers)
    assert [error["field"] for error in answer.json["errors"]] == ["evidence.1.quantity_max"]


def test_a_part_of_an_evidence_rule_is_not_a_rule(client, operator):
    headers = operator(**{"If-Match": '"1"'})
    answer = client.patch(f"{TASKS}/bike_ride", json={"evidence": [{"tier": "partner"}]}, headers=headers)
    assert {error["field"] for error in answer.json["errors"]} == {"evidence.0.basis", "evidence.0.points"}


def test_a_new_task_with_a_new_factor_goes_live_is_done_and_explained(client, operator, resident, headers):
    factor = {
        "code": "travel_ferry", "title": {"zh": "轮渡", "en": "Ferry"}, "value_mg": 40, "unit": "m",
        "source": "A published table", "source_status": "read", "region": "CN-ZJ", "valid_from": "2024-01-01",
    }  # fmt: skip
    methodology = {
        "code": "ferry_ride", "title": {"zh": "乘坐轮渡", "en": "Take the ferry"}, "unit": "m",
        "baseline_factor": "travel_baseline", "project_factor": "travel_ferry", "source": "A published method",
    }  # fmt: skip
    for url, wanted in (("factors", factor), ("methodologies", methodology), ("tasks", FERRY)):
        made = client.post(f"/api/v1/admin/{url}", json=wanted, headers=operator())
        assert made.status_code == 201, made.json
    first = _ride(client, headers(resident), hours_ago=5)
    assert (first["co2e_g"], first["points"]) == (64.0, 60)
    changed = client.patch(
        "/api/v1/admin/factors/travel_ferry", json={"value_mg": 54}, headers=operator(**{"If-Match": '"1"'})
    )
    assert changed.status_code == 200
    second = _ride(client, headers(resident), hours_ago=3)
    assert second["co2e_g"] == 50.0
    used = {factor["value"] for factor in second["explanation"]["factors"]}
    assert 54 in used
    kept = client.get(f"/api/v1/actions/{first['id']}", headers=headers(resident)).json
    assert kept["co2e_g"] == 64.0
    assert 40 in {factor["value"] for factor in kept["explanation"]["factors"]}


def _ride(client, headers, *, hours_ago):
    began = clock.now() - timedelta(hours=hours_ago)
    wanted = {
        "task": "ferry_ride",
        "started_at": clock.rfc3339(began),
        "occurred_at": clock.rfc3339(began + timedelta(minutes=10)),
        "activity": {"quantity": 1000, "unit": "m"},
    }
    answer = client.post("/api/v1/actions", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.json
    return answer.json
