"""Adjustments: one admin asks, another decides, and the books add up."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from backend.audit.models import AuditRow
from backend.database import db, transaction
from tests.together import together

URL = "/api/v1/admin/adjustments"


@pytest.fixture
def asked(client, admin_headers, resident):
    def ask(points=50, **more):
        wanted = {"resident_id": resident.resident_id, "points": points, "reason": "Prize", **more}
        return client.post(URL, json=wanted, headers=admin_headers("operator"))

    return ask


def books(resident):
    query = text("""
        SELECT balance, adjusted, (SELECT coalesce(sum(points), 0) FROM ledger_entries),
            (SELECT coalesce(sum(remaining), 0) FROM lots) FROM wallets WHERE resident_id = :id""")
    return tuple(db.session.execute(query, {"id": resident.resident_id}).one())


def test_an_adjustment_takes_effect_when_a_second_admin_approves(client, admin_headers, asked, resident):
    made = asked()
    assert (made.status_code, made.json["status"]) == (201, "pending")
    assert made.json["id"] == f"{resident.resident_id}-1"
    assert books(resident) == (0, 0, 0, 0)
    approved = client.post(f"{URL}/{made.json['id']}/approve", headers=admin_headers("owner"))
    assert (approved.status_code, approved.json["status"]) == (200, "approved")
    assert (approved.json["requested_by"], approved.json["decided_by"]) == ("admin:operator", "admin:owner")
    assert books(resident) == (50, 50, 50, 50)


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_who_asked_does_not_decide(client, admin_headers, asked, resident, decision):
    made = asked().json
    own = client.post(f"{URL}/{made['id']}/{decision}", headers=admin_headers("operator"))
    assert (own.status_code, own.json["type"]) == (403, "forbidden")
    assert books(resident) == (0, 0, 0, 0)


def test_the_database_itself_asks_for_four_eyes(asked):
    asked()
    with pytest.raises(IntegrityError, match="four_eyes"), transaction():
        db.session.execute(text("UPDATE adjustments SET decided_by = requested_by"))


def test_taking_more_than_there_is_leaves_a_debt(client, admin_headers, asked, resident):
    for points in (20, -50):
        made = asked(points).json
        client.post(f"{URL}/{made['id']}/approve", headers=admin_headers("owner"))
    assert books(resident) == (-30, -30, -30, -30)


def test_a_refused_adjustment_moves_nothing_and_stays_refused(client, admin_headers, asked, resident):
    made = asked().json
    owner = admin_headers("owner")
    assert client.post(f"{URL}/{made['id']}/refuse", headers=owner).json["status"] == "refused"
    again = client.post(f"{URL}/{made['id']}/approve", headers=owner)
    assert (again.status_code, again.json["type"]) == (409, "already-decided")
    assert books(resident) == (0, 0, 0, 0)


def test_two_approvals_at_once_post_once(app, admin_headers, asked, resident):
    made, owner = asked().json, admin_headers("owner")

    def approve():
        return app.test_client().post(f"{URL}/{made['id']}/approve", headers=owner).status_code

    assert sorted(together(app, [approve, approve])) == [200, 409]
    assert books(resident) == (50, 50, 50, 50)


def test_one_key_asks_once(client, admin_headers, resident):
    wanted = {"resident_id": resident.resident_id, "points": 5, "reason": "Prize"}
    headers = admin_headers("operator", **{"Idempotency-Key": "a1"})
    assert [client.post(URL, json=wanted, headers=headers).json["id"] for _ in range(2)] == [
        f"{resident.resident_id}-1"
    ] * 2


@pytest.mark.parametrize(
    "wrong", [{"points": 0}, {"points": 1_000_001}, {"points": 1.5}, {"reason": ""}, {"resident_id": "1"}]
)
def test_what_is_not_fit_is_named(asked, wrong):
    answer = asked(**wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == list(wrong)


def test_the_largest_adjustment_is_a_million(asked):
    assert [asked(points).status_code for points in (1_000_000, -1_000_000)] == [201, 201]


def test_nobody_is_adjusted_who_is_not_there(client, admin_headers, asked):
    assert asked(resident_id=999).status_code == 404
    for which in ("1-99", "x", "1", "9" * 19 + "-1"):
        assert client.post(f"{URL}/{which}/approve", headers=admin_headers("owner")).status_code == 404


@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_it_is_decided_for_nobody_but_for_whom_it_was_asked(client, admin_headers, asked, new_resident, verb):
    other, number = new_resident("other"), asked().json["id"].split("-")[1]
    url = f"{URL}/{other.resident_id}-{number}/{verb}"
    assert client.post(url, headers=admin_headers("owner")).status_code == 404
    assert books(other) == (0, 0, 0, 0)


def test_who_has_left_gets_nothing_of_what_was_asked_before(client, headers, admin_headers, asked, resident):
    made = asked().json
    assert client.delete("/api/v1/me", headers=headers(resident)).status_code in {200, 204}
    approved = client.post(f"{URL}/{made['id']}/approve", headers=admin_headers("owner"))
    assert (approved.status_code, approved.json["type"]) == (404, "not-found")
    assert books(resident) == (0, 0, 0, 0)
    refused = client.post(f"{URL}/{made['id']}/refuse", headers=admin_headers("owner"))
    assert (refused.status_code, refused.json["status"]) == (200, "refused")


def test_adjustments_are_listed_by_status_newest_first(client, admin_headers, asked):
    ids = [asked(points).json["id"] for points in (1, 2, 3)]
    client.post(f"{URL}/{ids[1]}/refuse", headers=admin_headers("owner"))
    headers = admin_headers("auditor")
    assert [row["id"] for row in client.get(URL, headers=headers).json["items"]] == ids[::-1]
    pending = client.get(f"{URL}?status=pending&limit=1", headers=headers).json
    assert [row["id"] for row in pending["items"]] == [ids[2]]
    rest = client.get(f"{URL}?status=pending&cursor={pending['next_cursor']}", headers=headers).json
    assert [row["id"] for row in rest["items"]] == [ids[0]]


def test_asking_and_deciding_are_in_the_trail(client, admin_headers, asked):
    made, other = asked().json, asked().json
    for which, verb in ((made, "approve"), (other, "refuse")):
        client.post(f"{URL}/{which['id']}/{verb}", headers=admin_headers("owner"))
    rows = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "adjustment").order_by(AuditRow.id)).all()
    assert [(row.actor, row.action, row.object_id) for row in rows] == [
        ("operator", "adjustment.requested", made["id"]),
        ("operator", "adjustment.requested", other["id"]),
        ("owner", "adjustment.approved", made["id"]),
        ("owner", "adjustment.refused", other["id"]),
    ]
    assert [row.before for row in rows] == [None, None, {"status": "pending"}, {"status": "pending"}]
    assert [row.after["status"] for row in rows] == ["pending", "pending", "approved", "refused"]
