"""Admins add districts and communities."""

import pytest
from sqlalchemy import select

from backend.audit.models import AuditRow
from backend.database import db

URL = "/api/v1/admin/areas"
NORTH = {"code": "north", "title": {"zh": "北区", "en": "North"}}
RIVER = {"code": "river", "title": {"zh": "滨河", "en": "Riverside"}, "district": "north"}


@pytest.fixture
def operator(admin_headers):
    return admin_headers("operator")


def test_a_district_and_a_community_in_it_are_added_and_seen_by_residents(client, operator):
    district = client.post(URL, json=NORTH, headers=operator)
    assert (district.status_code, district.json["kind"], district.json["district_id"]) == (201, "district", None)
    community = client.post(URL, json=RIVER, headers=operator)
    assert (community.json["kind"], community.json["district_id"]) == ("community", district.json["id"])
    listed = client.get(f"{URL}?kind=community", headers=operator).json["items"]
    assert listed == [community.json]
    seen = client.get("/api/v1/areas?district=north").json["items"]
    assert [area["code"] for area in seen] == ["river"]


def test_a_code_is_taken_once_and_a_district_must_exist(client, operator):
    orphan = client.post(URL, json=RIVER, headers=operator)
    assert [error["field"] for error in orphan.json["errors"]] == ["district"]
    assert [client.post(URL, json=NORTH, headers=operator).status_code for _ in range(2)] == [201, 409]


def test_a_community_is_no_district(client, operator):
    client.post(URL, json=NORTH, headers=operator)
    client.post(URL, json=RIVER, headers=operator)
    inner = {**RIVER, "code": "inner", "district": "river"}
    assert client.post(URL, json=inner, headers=operator).status_code == 422


def test_a_place_is_renamed_and_the_trail_knows_both_names_once(client, operator):
    client.post(URL, json=NORTH, headers=operator)
    title = {"zh": "北城", "en": "Northtown"}
    for _ in range(2):
        assert client.patch(f"{URL}/north", json={"title": title}, headers=operator).json["title"] == title
    assert client.patch(f"{URL}/none", json={"title": title}, headers=operator).status_code == 404
    row = db.session.scalars(select(AuditRow).where(AuditRow.action == "area.changed")).one()
    assert (row.before, row.after) == ({"title": NORTH["title"]}, {"title": title})
