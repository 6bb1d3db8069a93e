"""What a frozen resident learns: that it is so, why and since when, and never who decided it."""

import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db, transaction
from tests.guards.recorded_statements import recorded

BY = "li.lei"
INDEX = "audit_log_object_kind_object_id_idx"
QUIZ = {"task": "green_quiz", "occurred_at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def decide(client, resident, new_admin):
    """decide("freeze", reason) as an operator with a name of its own."""
    new_admin("operator", username=BY)
    given = {"username": BY, "password": "correct horse battery"}
    token = client.post("/api/v1/admin/auth", json=given).json["token"]

    def call(verb, reason, *, of=resident):
        url = f"/api/v1/admin/residents/{of.resident_id}/{verb}"
        answer = client.post(url, json={"reason": reason}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text

    return call


def audited(me, path):
    """The statement about the trail among those that a call of the resident sends."""
    with recorded() as statements:
        assert me("GET", path).text
    (found,) = [statement for statement in statements if "audit_log" in statement]
    return found


def test_a_frozen_resident_reads_why_and_since_when_and_not_by_whom(me, decide):
    before = clock.now()
    decide("freeze", "Written steps")
    shown = me("GET")
    assert shown.json["frozen"]["reason"] == "Written steps"
    assert clock.rfc3339(before) <= shown.json["frozen"]["since"] <= clock.rfc3339(clock.now())
    assert BY not in shown.text
    assert me("PATCH", json={"nickname": "Lin"}).json["frozen"] == shown.json["frozen"]


def test_who_is_frozen_anew_reads_the_new_reason_and_who_is_not_reads_none(me, decide):
    decide("freeze", "Written steps")
    decide("unfreeze", "Cleared")
    assert me("GET").json["frozen"] is None
    decide("freeze", "Two phones")
    assert me("GET").json["frozen"]["reason"] == "Two phones"


def test_nobody_reads_anothers_reason(me, decide, resident, new_resident):
    decide("freeze", "Written steps")
    decide("freeze", "Two phones", of=new_resident("other"))
    assert me("GET").json["frozen"]["reason"] == "Written steps"


def test_who_was_frozen_by_hand_learns_that_it_is_so(me, resident):
    with transaction():
        db.session.execute(text("UPDATE wallets SET frozen = true"))
    assert me("GET").json["frozen"] == {"reason": None, "since": None}


def test_only_who_is_frozen_costs_a_second_statement(me, decide):
    counts = []
    for frozen in (False, True):
        if frozen:
            decide("freeze", "Written steps")
        with recorded() as statements:
            assert me("GET").status_code == 200
        counts.append(len(statements))
    assert counts == [1, 2]


@pytest.mark.parametrize("path", ["/me", "/me/export"])
def test_the_trail_is_looked_up_by_its_index(me, decide, path):
    decide("freeze", "Written steps")
    statement = audited(me, path)
    with transaction():
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = db.session.connection().exec_driver_sql("EXPLAIN " + statement.replace("%", "%%")).scalars().all()
    assert any(INDEX in line for line in plan), "\n".join(plan)


@pytest.mark.parametrize(("language", "words"), [("en", ("profile", "appeal")), ("zh-CN", ("个人资料", "申诉"))])
def test_a_refusal_tells_where_the_reason_stands_and_that_one_may_appeal(me, decide, language, words):
    decide("freeze", "Written steps")
    refused = me("POST", "/actions", json=QUIZ, headers={"Accept-Language": language})
    assert (refused.status_code, refused.json["type"]) == (403, "resident-frozen")
    assert all(word in refused.json["detail"] for word in words)


def test_the_export_tells_every_freeze_and_its_end(me, decide, new_resident):
    decide("freeze", "Written steps")
    decide("freeze", "Two phones", of=new_resident("other"))
    decide("unfreeze", "Cleared")
    answer = me("GET", "/me/export")
    assert [(item["frozen"], item["reason"]) for item in answer.json["freezes"]] == [
        (True, "Written steps"),
        (False, "Cleared"),
    ]
    assert all(item.keys() == {"frozen", "reason", "at"} for item in answer.json["freezes"])
    assert BY not in answer.text
