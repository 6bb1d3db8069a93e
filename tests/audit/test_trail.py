"""The audit trail: complete, append-only, without secrets."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from backend import audit
from backend.audit.models import AuditRow
from backend.database import db, transaction


def note(**more):
    given = {"actor": "admin:wang.li", "action": "task.changed", "object_kind": "task", "object_id": "walk", **more}
    with transaction():
        audit.record(**given)


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"])
def test_a_row_cannot_be_changed_or_deleted(app, change):
    note()
    with pytest.raises(DBAPIError, match="append-only"), transaction():
        db.session.execute(text(change))
    assert db.session.scalars(select(AuditRow)).one().actor == "wang.li"


def test_only_the_members_that_differ_are_kept(app):
    note(before={"a": 1, "b": [1], "c": 0}, after={"a": 1, "b": [2], "d": 0})
    row = db.session.scalars(select(AuditRow)).one()
    assert (row.before, row.after) == ({"b": [1], "c": 0}, {"b": [2], "d": 0})


def test_secrets_are_left_out_however_deep_they_lie(app):
    note(after={"secret": "s", "keys": [{"secret": "s", "key": "k"}], "password": "p"})
    assert db.session.scalars(select(AuditRow)).one().after == {"keys": [{"key": "k"}]}


def test_the_trail_is_read_newest_first_by_object_and_by_actor(client, admin_headers):
    for number in range(3):
        note(object_id=str(number))
    note(actor="job:expiry", object_kind="lot")
    headers = admin_headers("auditor")

    def read(query):
        return client.get(f"/api/v1/admin/audit?{query}", headers=headers).json

    assert [row["object_id"] for row in read("object_kind=task")["items"]] == ["2", "1", "0"]
    assert [row["actor"] for row in read("actor=expiry")["items"]] == ["job:expiry"]
    assert [row["actor"] for row in read("actor=job:expiry")["items"]] == ["job:expiry"]
    assert read("actor=admin:expiry")["items"] == []
    first = read("object_kind=task&limit=2")
    assert [row["object_id"] for row in first["items"]] == ["2", "1"]
    rest = read(f"object_kind=task&limit=2&cursor={first['next_cursor']}")
    assert [row["object_id"] for row in rest["items"]] == ["0"]


def test_a_change_over_http_carries_the_requests_id(client, admin_headers):
    wanted = {"username": "wang.li", "password": "a long enough phrase", "role": "reviewer"}
    headers = admin_headers(**{"X-Request-Id": "abc-1"})
    client.post("/api/v1/admin/admins", json=wanted, headers=headers)
    assert db.session.scalars(select(AuditRow.request_id)).one() == "abc-1"
