"""Admins change factors and methodologies: every change is a version, and what was credited stays."""

import threading

import pytest
from sqlalchemy import select, text

from backend import clock
from backend.audit.models import AuditRow
from backend.catalogue import service as catalogue
from backend.database import db
from backend.emissions.models import EmissionFactor

FACTORS, METHODOLOGIES = "/api/v1/admin/factors", "/api/v1/admin/methodologies"
FERRY = {
    "code": "travel_ferry",
    "title": {"zh": "轮渡", "en": "Ferry"},
    "value_mg": 40.25,
    "unit": "m",
    "source": "A published table",
    "source_status": "read",
    "region": "CN-ZJ",
    "valid_from": "2024-01-01",
    "valid_to": None,
}
RIDE = {
    "code": "ferry_ride",
    "title": {"zh": "乘坐轮渡", "en": "Take the ferry"},
    "unit": "m",
    "baseline_factor": "travel_baseline",
    "project_factor": "travel_ferry",
    "source": "A published method",
}


@pytest.fixture
def operator(admin_headers):
    return lambda **more: admin_headers("operator", **more)


def test_a_factor_is_added_read_and_listed(client, operator):
    added = client.post(FACTORS, json=FERRY, headers=operator())
    assert (added.status_code, added.headers["ETag"]) == (201, '"1"')
    assert added.json == {**FERRY, "version": 1, "created_by": "admin:operator", "created_at": added.json["created_at"]}
    shown = client.get(f"{FACTORS}/travel_ferry", headers=operator())
    assert (shown.json, shown.headers["ETag"]) == (added.json, '"1"')
    listed = client.get(f"{FACTORS}?limit=100", headers=operator()).json["items"]
    assert added.json in listed
    assert len(listed) == 13


def test_a_change_makes_a_version_and_keeps_the_old_one(client, operator):
    before = client.get(f"{FACTORS}/travel_bike", headers=operator())
    headers = operator(**{"If-Match": before.headers["ETag"]})
    changed = client.patch(f"{FACTORS}/travel_bike", json={"value_mg": 9}, headers=headers)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    differing = {name for name, value in before.json.items() if changed.json[name] != value}
    assert differing == {"value_mg", "version", "created_at", "created_by"}
    kept = client.get(f"{FACTORS}/travel_bike/versions", headers=operator()).json["items"]
    assert [(row["version"], row["value_mg"]) for row in kept] == [(2, 9), (1, 8.7)]
    row = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "factor")).one()
    assert (row.action, row.object_id, row.actor) == ("factor.changed", "travel_bike", "operator")
    assert (row.before, row.after) == ({"value_mg": "8.700000", "version": 1}, {"value_mg": "9", "version": 2})


def test_the_catalogue_judges_by_the_new_factor_from_the_next_request_on(app, client, operator):
    revision = catalogue.current().revision
    db.session.rollback()
    change(client, operator(**{"If-Match": '"1"'}), value_mg=4)
    task = catalogue.current().task("bike_ride")
    assert catalogue.current().revision == revision + 1
    assert task.quantifier.on(clock.local_day(clock.now())).project.value_mg == 4


def test_without_if_match_nothing_is_changed(client, operator):
    answer = change(client, operator(), value_mg=4)
    assert (answer.status_code, answer.json["type"]) == (428, "precondition-required")
    assert count() == 1


@pytest.mark.parametrize("tag", ['"2"', '"0"', "*", "W/x", '"1", "2"'])
def test_of_another_version_nothing_is_changed(client, operator, tag):
    answer = change(client, operator(**{"If-Match": tag}), value_mg=4)
    assert (answer.status_code, answer.json["type"]) == (412, "precondition-failed")
    assert count() == 1


def test_of_two_admins_who_change_one_version_at_once_exactly_one_wins(app, operator):
    headers, barrier, answers = operator(**{"If-Match": '"1"'}), threading.Barrier(4), []

    def race(value):
        barrier.wait()
        answers.append((change(app.test_client(), headers, value_mg=value).status_code, value))

    threads = [threading.Thread(target=race, args=(value,)) for value in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412]
    won = next(value for status, value in answers if status == 200)
    versions = db.session.scalars(select(EmissionFactor).where(EmissionFactor.code == "travel_bike")).all()
    assert sorted((row.version, int(row.value_mg)) for row in versions) == [(1, 8), (2, won)]


def test_a_code_is_taken_once(client, operator):
    assert client.post(FACTORS, json=FERRY, headers=operator()).status_code == 201
    again = client.post(FACTORS, json=FERRY, headers=operator())
    assert (again.status_code, again.json["type"]) == (409, "already-exists")


def test_one_key_makes_one_factor(client, operator):
    headers = operator(**{"Idempotency-Key": "f1"})
    first, second = (client.post(FACTORS, json=FERRY, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value_mg", -1),
        ("value_mg", "8.7"),
        ("value_mg", 1.2345678),
        ("value_mg", 10**10),
        pytest.param("value_mg", 10**400, id="value_mg-too_long_for_a_float"),
        ("value_mg", True),
        ("title", {"zh": "轮渡"}),
        ("title", {"zh": "轮渡", "en": ""}),
        ("code", "Travel"),
        ("code", "travel\n"),
        ("unit", ""),
        ("source", ""),
        ("source_status", "hearsay"),
        ("valid_to", "2024-01-01"),
        ("valid_from", "2024-13-01"),
        ("colour", "green"),
    ],
)
def test_a_factor_that_is_not_fit_is_refused_by_name(client, operator, field, value):
    answer = client.post(FACTORS, json={**FERRY, field: value}, headers=operator())
    assert answer.status_code == 422, answer.json
    assert {error["field"].split(".")[0] for error in answer.json["errors"]} == {field}


def test_a_change_of_a_title_needs_both_languages(client, operator):
    answer = change(client, operator(**{"If-Match": '"1"'}), title={"zh": "骑行"})
    assert [error["field"] for error in answer.json["errors"]] == ["title.en"]


def test_a_unit_stays_for_good(client, operator):
    assert change(client, operator(**{"If-Match": '"1"'}), unit="km").status_code == 422


def test_nan_is_no_number(client, operator):
    body = b'{"value_mg": NaN}'
    headers = operator(**{"If-Match": '"1"', "Content-Type": "application/json"})
    assert client.patch(f"{FACTORS}/travel_bike", data=body, headers=headers).status_code == 400


def test_a_methodology_is_made_of_factors_that_exist_and_share_its_unit(client, operator):
    missing = client.post(METHODOLOGIES, json=RIDE, headers=operator())
    assert [error["field"] for error in missing.json["errors"]] == ["project_factor"]
    client.post(FACTORS, json={**FERRY, "unit": "km"}, headers=operator())
    other = client.post(METHODOLOGIES, json=RIDE, headers=operator())
    assert "km" in other.json["errors"][0]["message"]
    client.post(FACTORS, json={**FERRY, "code": "travel_ship"}, headers=operator())
    made = client.post(METHODOLOGIES, json={**RIDE, "project_factor": "travel_ship"}, headers=operator())
    assert (made.status_code, made.json["version"]) == (201, 1)


def test_a_methodology_changes_by_versions_too(client, operator):
    url = f"{METHODOLOGIES}/bike_ride"
    assert client.patch(url, json={"project_factor": None}, headers=operator()).status_code == 428
    headers = operator(**{"If-Match": '"1"'})
    changed = client.patch(url, json={"project_factor": None}, headers=headers)
    assert (changed.json["version"], changed.json["project_factor"]) == (2, None)
    assert client.patch(url, json={"source": "x"}, headers=headers).status_code == 412
    assert len(client.get(f"{url}/versions", headers=operator()).json["items"]) == 2


@pytest.mark.parametrize("url", [f"{FACTORS}/none", f"{METHODOLOGIES}/none", f"{FACTORS}/none/versions"])
def test_what_is_not_there_is_404(client, operator, url):
    assert client.get(url, headers=operator()).status_code == 404


def change(client, headers, **changes):
    return client.patch(f"{FACTORS}/travel_bike", json=changes, headers=headers)


def count():
    return db.session.scalar(text("SELECT count(*) FROM emission_factors WHERE code = 'travel_bike'"))
