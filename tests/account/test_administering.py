"""Residents as admins see them."""

import pytest
from sqlalchemy import select

from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.ledger.models import Wallet
from backend.residents.models import Area, Identity_, Resident, ResidentChange

URL = "/api/v1/admin/residents"


@pytest.fixture
def search(client, admin_headers):
    def look(query, **more):
        return client.get(URL, query_string={"query": query, **more}, headers=admin_headers("operator"))

    return look


def names(answer):
    return [item["nickname"] for item in answer.json["items"]]


def test_residents_are_found_by_how_the_nickname_begins(new_resident, search):
    for name in ("Lin", "Linda", "Berlin", "100%"):
        new_resident(name)
    assert names(search("Lin")) == ["Lin", "Linda"]
    assert names(search("%")) == []
    assert names(search("100%")) == ["100%"]
    assert names(search("_")) == []
    assert names(search("")) == ["Lin", "Linda", "Berlin", "100%"]


def test_residents_are_found_by_their_exact_id(new_resident, search):
    first, _second = new_resident("Lin"), new_resident("1st")
    found = search(str(first.resident_id))
    assert {item["id"] for item in found.json["items"]} >= {first.resident_id}
    assert search("9" * 30).json["items"] == []
    assert search("²").json["items"] == []


def test_lists_go_page_by_page(new_resident, search):
    for number in range(3):
        new_resident(f"Lin {number}")
    first = search("Lin", limit=2)
    rest = search("Lin", limit=2, cursor=first.json["next_cursor"])
    assert names(first) + names(rest) == ["Lin 0", "Lin 1", "Lin 2"]
    assert rest.json["next_cursor"] is None


def test_a_resident_is_shown_with_wallet_and_place_and_never_with_the_openid(
    client, admin_headers, new_resident, search
):
    with transaction():
        district = Area(code="north", kind="district", title={"zh": "北", "en": "North"})
        db.session.add(district)
    resident = new_resident("Lin", district_id=district.id)
    url = f"{URL}/{resident.resident_id}"
    shown = client.get(url, headers=admin_headers("operator"))
    assert (
        shown.json.items()
        >= {"id": resident.resident_id, "district": "north", "community": None, "state": "active"}.items()
    )
    assert shown.json["wallet"] == {
        "balance": 0, "held": 0, "earned": 0, "spent": 0, "expired": 0, "adjusted": 0, "actions": 0,
        "co2e_g": 0.0, "frozen": False,
    }  # fmt: skip
    subject = db.session.scalars(select(Identity_.subject)).one()
    assert subject not in shown.text
    assert subject not in search(subject).text
    assert names(search(subject)) == []


def test_a_frozen_resident_earns_nothing_until_unfrozen(client, admin_headers, resident, headers):
    operator, url = admin_headers("operator"), f"{URL}/{resident.resident_id}"
    frozen = client.post(f"{url}/freeze", json={"reason": "Written steps"}, headers=operator)
    assert (frozen.status_code, frozen.json["wallet"]["frozen"]) == (200, True)
    quiz = {"task": "green_quiz", "occurred_at": "2026-01-01T00:00:00Z"}
    refused = client.post("/api/v1/actions", json=quiz, headers=headers(resident))
    assert (refused.status_code, refused.json["type"]) == (403, "resident-frozen")
    client.post(f"{url}/unfreeze", json={"reason": "Cleared"}, headers=operator)
    assert db.session.get(Wallet, resident.resident_id, populate_existing=True).frozen is False
    rows = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "resident").order_by(AuditRow.id)).all()
    assert [(row.action, row.after["reason"]) for row in rows] == [
        ("resident.frozen", "Written steps"),
        ("resident.unfrozen", "Cleared"),
    ]


def test_freezing_twice_is_noted_once(client, admin_headers, resident):
    url = f"{URL}/{resident.resident_id}/freeze"
    for _ in range(2):
        assert client.post(url, json={"reason": "x"}, headers=admin_headers("operator")).status_code == 200
    assert len(db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "resident")).all()) == 1


@pytest.mark.parametrize("verb", ["freeze", "unfreeze"])
def test_the_same_decision_again_hides_or_shows_whom_code_from_before_left_as_they_were(
    client, admin_headers, resident, verb
):
    frozen = verb == "freeze"
    with transaction():
        db.session.get(Wallet, resident.resident_id).frozen = frozen
        db.session.get(Resident, resident.resident_id).hidden = not frozen
    url = f"{URL}/{resident.resident_id}/{verb}"
    assert client.post(url, json={"reason": "x"}, headers=admin_headers("operator")).status_code == 200
    assert db.session.get(Resident, resident.resident_id, populate_existing=True).hidden is frozen
    assert [row.resident_id for row in db.session.scalars(select(ResidentChange))] == [resident.resident_id]


def test_who_has_left_stays_frozen(client, admin_headers, resident, headers):
    assert client.delete("/api/v1/me", headers=headers(resident)).status_code == 204
    url = f"{URL}/{resident.resident_id}/unfreeze"
    assert client.post(url, json={"reason": "x"}, headers=admin_headers("operator")).status_code == 404
    assert db.session.get(Wallet, resident.resident_id, populate_existing=True).frozen is True


def test_a_reason_is_needed_and_a_resident_too(client, admin_headers, resident):
    operator = admin_headers("operator")
    assert client.post(f"{URL}/{resident.resident_id}/freeze", json={}, headers=operator).status_code == 422
    assert client.post(f"{URL}/999/freeze", json={"reason": "x"}, headers=operator).status_code == 404
    assert client.get(f"{URL}/999", headers=operator).status_code == 404
