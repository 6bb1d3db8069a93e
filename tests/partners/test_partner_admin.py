"""Admins add partners, give them keys and take them away."""

import threading

import pytest
from sqlalchemy import select, update

from backend import sealing
from backend.admins.models import AdminIdempotencyKey
from backend.audit.models import AuditRow
from backend.database import db, transaction
from backend.partners.models import Partner, PartnerKey
from backend.web import paging

PARTNERS = "/api/v1/admin/partners"
CUPS = {"code": "cup_shops", "title": {"zh": "咖啡店", "en": "Coffee shops"}, "tier": "partner", "tasks": ["own_cup"]}


@pytest.fixture
def operator(admin_headers):
    return lambda **more: admin_headers("operator", **more)


@pytest.fixture
def partner(client, operator):
    return client.post(PARTNERS, json=CUPS, headers=operator()).json


def test_a_partner_is_added_read_and_listed(client, operator):
    added = client.post(PARTNERS, json=CUPS, headers=operator())
    assert (added.status_code, added.headers["ETag"]) == (201, '"1"'), added.json
    assert {**CUPS, "max_event_age_days": 366, "active": True}.items() <= added.json.items()
    assert client.get(f"{PARTNERS}/{added.json['id']}", headers=operator()).json == added.json
    assert added.json in client.get(f"{PARTNERS}?limit=100", headers=operator()).json["items"]
    assert client.post(PARTNERS, json=CUPS, headers=operator()).status_code == 409


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("tier", "photo", "tier"),
        ("tasks", ["none"], "tasks.0"),
        ("tasks", ["green_quiz"], "tasks.0"),
        ("tasks", ["own_cup", "own_cup"], "tasks"),
        ("max_event_age_days", 0, "max_event_age_days"),
        ("max_event_age_days", 3_661, "max_event_age_days"),
        ("title", {"en": "Shops"}, "title.zh"),
        ("active", "yes", "active"),
    ],
)
def test_a_partner_that_is_not_fit_is_refused_by_name(client, operator, field, value, named):
    answer = client.post(PARTNERS, json={**CUPS, field: value}, headers=operator())
    assert answer.status_code == 422, answer.json
    assert [error["field"] for error in answer.json["errors"]] == [named]


def test_a_change_needs_the_version_that_was_seen(client, operator, partner):
    url = f"{PARTNERS}/{partner['id']}"
    assert client.patch(url, json={"active": False}, headers=operator()).status_code == 428
    changed = client.patch(url, json={"active": False}, headers=operator(**{"If-Match": '"1"'}))
    assert (changed.json["active"], changed.json["version"], changed.headers["ETag"]) == (False, 2, '"2"')
    assert client.patch(url, json={"active": True}, headers=operator(**{"If-Match": '"1"'})).status_code == 412
    rows = db.session.scalars(select(AuditRow).where(AuditRow.object_kind == "partner").order_by(AuditRow.id)).all()
    assert [row.action for row in rows] == ["partner.created", "partner.changed"]
    assert (rows[1].before, rows[1].after) == ({"active": True, "version": 1}, {"active": False, "version": 2})


@pytest.mark.parametrize("tasks", [["green_quiz"], ["gone"]])
def test_what_its_tasks_accept_now_keeps_nobody_from_switching_a_partner_off(client, operator, partner, tasks):
    # As when a task drops the tier, or goes, after the partner was added.
    with transaction():
        db.session.execute(update(Partner).where(Partner.code == "cup_shops").values(tasks=tasks))
    url = f"{PARTNERS}/{partner['id']}"
    for changes in ({"tier": "partner"}, {"tasks": tasks}, {"tasks": tasks, "active": False}):
        refused = client.patch(url, json=changes, headers=operator(**{"If-Match": '"1"'}))
        assert [error["field"] for error in refused.json["errors"]] == ["tasks.0"]
    changed = client.patch(url, json={"active": False}, headers=operator(**{"If-Match": '"1"'}))
    assert (changed.status_code, changed.json["active"], changed.json["tasks"]) == (200, False, tasks)


def test_a_larger_age_of_a_release_before_hinders_no_other_change(client, operator, partner, rows):
    url = f"{PARTNERS}/{partner['id']}"
    rows("UPDATE partners SET max_event_age_days = 36600 WHERE code = 'cup_shops' RETURNING 1")
    changed = client.patch(url, json={"active": False}, headers=operator(**{"If-Match": '"1"'}))
    assert (changed.status_code, changed.json["max_event_age_days"]) == (200, 36_600)
    most = client.patch(url, json={"max_event_age_days": 3_660}, headers=operator(**{"If-Match": '"2"'}))
    assert (most.status_code, most.json["max_event_age_days"]) == (200, 3_660)


def test_of_two_admins_who_change_one_partner_at_once_exactly_one_wins(app, operator, partner):
    headers, barrier, statuses = operator(**{"If-Match": '"1"'}), threading.Barrier(2), []

    def race(days):
        barrier.wait()
        url = f"{PARTNERS}/{partner['id']}"
        answer = app.test_client().patch(url, json={"max_event_age_days": days}, headers=headers)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=race, args=(days,)) for days in (10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412]


def test_a_secret_is_shown_once_and_kept_sealed(client, operator, partner, admin_headers):
    url = f"{PARTNERS}/{partner['id']}/keys"
    made = client.post(url, headers=operator())
    assert made.status_code == 201, made.json
    secret = made.json["secret"]
    row = db.session.scalars(select(PartnerKey)).one()
    assert (row.key, sealing.unseal(row.secret)) == (made.json["key"], secret)
    assert secret not in row.secret
    listed = client.get(url, headers=operator())
    assert [key["key"] for key in listed.json["items"]] == [made.json["key"]]
    assert secret not in listed.text
    trail = client.get("/api/v1/admin/audit?object_kind=partner", headers=admin_headers("auditor"))
    assert secret not in trail.text


def test_one_idempotency_key_gives_one_key_pair_and_its_stored_answer_is_sealed(client, operator, partner):
    url, headers = f"{PARTNERS}/{partner['id']}/keys", operator(**{"Idempotency-Key": "k1"})
    first, second = (client.post(url, headers=headers) for _ in range(2))
    assert (first.json, second.status_code) == (second.json, 201)
    assert len(db.session.scalars(select(PartnerKey)).all()) == 1
    stored = db.session.scalars(select(AdminIdempotencyKey)).one()
    assert first.json["secret"] not in str(stored.body)


def test_a_revoked_key_stays_revoked(client, operator, partner):
    url = f"{PARTNERS}/{partner['id']}/keys"
    key = client.post(url, headers=operator()).json["key"]
    assert [client.delete(f"{url}/{key}", headers=operator()).status_code for _ in range(2)] == [204, 204]
    assert client.get(url, headers=operator()).json["items"][0]["revoked_at"] is not None
    rows = db.session.scalars(select(AuditRow).where(AuditRow.action == "partner.key_revoked")).all()
    assert [(row.before, row.after) for row in rows] == [({"revoked": False}, {"key": key, "revoked": True})]


def test_a_key_of_another_partner_is_not_there(client, operator, partner):
    key = client.post(f"{PARTNERS}/{partner['id']}/keys", headers=operator()).json["key"]
    assert client.delete(f"{PARTNERS}/1/keys/{key}", headers=operator()).status_code == 404
    assert client.get(f"{PARTNERS}/999999999999", headers=operator()).status_code == 404


def test_a_cursor_beyond_all_numbers_is_refused(client, operator):
    cursor = paging.encode(2**31)
    assert client.get(f"{PARTNERS}?cursor={cursor}", headers=operator()).status_code == 422
