"""Reviewing photos, and taking back what was credited, over HTTP."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, text

from backend import clock
from backend.actions import reviewing
from backend.actions.claim import Claim
from backend.actions.record_many import record_many
from backend.actions.reversing import reverse
from backend.admins import auth as admin_auth
from backend.admins.models import Admin
from backend.audit.models import AuditRow
from backend.database import cursor, db, transaction
from backend.emissions import revision
from backend.ledger import service as ledger
from backend.ledger.models import Wallet, YearlyPoints
from backend.projector import service as projector
from backend.verification import verify
from tests.append_only import changeable
from tests.books import differences
from tests.contract.described import assert_described
from tests.projections import expected_now, projected
from tests.sent_statements import noticed


@pytest.fixture
def reviewer(app):
    with transaction():
        admin = Admin(username="rosa", password_hash="-", role="reviewer", created_at=clock.now(), token_epoch=0)
        db.session.add(admin)
    return {"Authorization": f"Bearer {admin_auth.issue(admin).token}"}


@pytest.fixture
def plates(client, resident, headers):
    """plates(number) → the answer to a photo of a plate, by the resident or somebody else."""
    noon = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1))[0] + timedelta(hours=12)

    def submit(number, *, by=resident):
        body = {
            "task": "clean_plate",
            "occurred_at": clock.rfc3339(noon + timedelta(minutes=number)),
            "evidence": {"kind": "photo", "photo_sha256": f"{number:064x}"},
        }
        return client.post("/api/v1/actions", json=body, headers=headers(by)).json

    return submit


def test_an_accepted_photo_is_credited_and_a_refused_one_is_not(client, plates, reviewer, resident, headers):
    ids = [plates(number)["id"] for number in range(3)]
    waiting = client.get("/api/v1/admin/actions", headers=reviewer).json["items"]
    assert [item["id"] for item in waiting] == ids
    accepted = client.post(f"/api/v1/admin/actions/{ids[0]}/accept", headers=reviewer)
    assert (accepted.status_code, accepted.json["points"], accepted.json["co2e_g"]) == (200, 5, 144.0)
    refused = client.post(f"/api/v1/admin/actions/{ids[1]}/refuse", json={"reason": "not a plate"}, headers=reviewer)
    assert (refused.status_code, refused.json["status"]) == (200, "refused")
    seen = client.get(f"/api/v1/actions/{ids[1]}", headers=headers(resident)).json
    assert (seen["status"], seen["reason"]) == ("refused", "not a plate")
    assert differences(with_actions=True) == []


def test_the_queue_is_paged_oldest_first(client, plates, reviewer):
    ids = [plates(number)["id"] for number in range(3)]
    first = client.get("/api/v1/admin/actions?limit=2", headers=reviewer).json
    rest = client.get(f"/api/v1/admin/actions?limit=2&cursor={first['next_cursor']}", headers=reviewer).json
    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None


def test_a_decision_is_made_once(client, plates, reviewer):
    action = plates(1)["id"]
    assert client.post(f"/api/v1/admin/actions/{action}/accept", headers=reviewer).status_code == 200
    again = client.post(f"/api/v1/admin/actions/{action}/accept", headers=reviewer)
    assert (again.status_code, again.json["type"]) == (409, "already-decided")


@pytest.mark.parametrize(("verb", "body"), [("accept", None), ("refuse", {"reason": "not a plate"})])
def test_a_decision_raises_the_wallets_version_once(client, plates, reviewer, verb, body):
    action, version = plates(1)["id"], select(Wallet.version)
    before = db.session.scalar(version)
    assert client.post(f"/api/v1/admin/actions/{action}/{verb}", json=body, headers=reviewer).status_code == 200
    assert db.session.scalar(version) == before + 1


def test_nothing_is_credited_to_a_frozen_resident(client, plates, reviewer, resident):
    first, second = plates(1)["id"], plates(2)["id"]
    with transaction():
        ledger.set_frozen(ledger.lock_wallet(resident.resident_id), frozen=True)
    answer = client.post(f"/api/v1/admin/actions/{first}/accept", headers=reviewer)
    assert (answer.status_code, answer.json["type"]) == (409, "owner-frozen")
    refused = client.post(f"/api/v1/admin/actions/{second}/refuse", json={"reason": "fraud"}, headers=reviewer)
    assert (refused.status_code, refused.json["status"]) == (200, "refused")
    with transaction():
        ledger.set_frozen(ledger.lock_wallet(resident.resident_id), frozen=False)
    assert client.post(f"/api/v1/admin/actions/{first}/accept", headers=reviewer).json["points"] == 5


def test_pending_ones_use_up_the_limit_and_refused_ones_free_it(client, plates, reviewer):
    ids = [plates(number)["id"] for number in range(3)]
    assert plates(3)["type"] == "daily-limit-reached"
    client.post(f"/api/v1/admin/actions/{ids[0]}/refuse", json={"reason": "blurred"}, headers=reviewer)
    assert plates(4)["status"] == "pending"


def test_a_reversed_award_takes_grams_and_points_back(client, plates, reviewer):
    action = plates(1)["id"]
    client.post(f"/api/v1/admin/actions/{action}/accept", headers=reviewer)
    answer = client.post(f"/api/v1/admin/actions/{action}/reverse", json={"reason": "fraud"}, headers=reviewer)
    assert (answer.status_code, answer.json["status"]) == (200, "reversed")
    again = client.post(f"/api/v1/admin/actions/{action}/reverse", json={"reason": "fraud"}, headers=reviewer)
    assert again.status_code == 409
    assert differences(with_actions=True) == []


def test_an_explanation_states_no_result_for_what_is_not_credited(client, plates, reviewer, resident, headers):
    product = "floor(1 count × 144000 mg/count)"
    waiting = [plates(number) for number in range(3)]
    assert {(one["explanation"]["formula"], one["explanation"]["co2e_g"]) for one in waiting} == {(product, 0.0)}
    refused, kept, taken = (one["id"] for one in waiting)
    for action, verb, reason in (
        (refused, "refuse", "blurred"),
        (kept, "accept", None),
        (taken, "accept", None),
        (taken, "reverse", "fraud"),
    ):
        url, body = f"/api/v1/admin/actions/{action}/{verb}", reason and {"reason": reason}
        assert client.post(url, json=body, headers=reviewer).status_code == 200
    shown = client.get("/api/v1/actions", headers=headers(resident))
    assert_described(shown, method="get", path="/api/v1/actions")
    told = {one["status"]: one["explanation"] for one in shown.json["items"]}
    told = {status: (explanation["formula"], explanation["co2e_g"]) for status, explanation in told.items()}
    assert told == {
        "refused": (product, 0.0),
        "credited": (f"{product} = 144000 mg", 144.0),
        "reversed": (f"{product} = 144000 mg", 144.0),
    }


def test_the_trail_says_who_decided_on_what_and_what_it_came_to(client, plates, reviewer, resident):
    first, second = plates(1)["id"], plates(2)["id"]
    for action, verb, reason in ((first, "accept", None), (first, "reverse", "fraud"), (second, "refuse", "blurred")):
        body = reason and {"reason": reason}
        assert client.post(f"/api/v1/admin/actions/{action}/{verb}", json=body, headers=reviewer).status_code == 200
    rows = db.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
    assert [(row.actor_kind, row.actor, row.action, row.object_id) for row in rows] == [
        ("admin", "rosa", "action.accepted", first),
        ("admin", "rosa", "action.reversed", first),
        ("admin", "rosa", "action.refused", second),
    ]
    assert [row.before for row in rows] == [{"status": "pending"}, {"status": "credited"}, {"status": "pending"}]
    assert [row.after for row in rows] == [
        {"status": "credited", "points": 5, "co2e_g": 144.0, "reason": None},
        {"status": "reversed", "points": 5, "co2e_g": 144.0, "reason": "fraud"},
        {"status": "refused", "points": 0, "co2e_g": 0.0, "reason": "blurred"},
    ]


def test_what_a_command_accepts_is_in_the_trail_too(plates, resident):
    plates(1)
    with transaction():
        reviewing.accept(resident_id=resident.resident_id, seq=1, by="command:prepare", now=clock.now())
    row = db.session.scalars(select(AuditRow)).one()
    assert (row.actor_kind, row.actor, row.action) == ("command", "prepare", "action.accepted")


def test_a_decision_that_fails_leaves_no_trail(client, plates, reviewer):
    action = plates(1)["id"]
    assert (
        client.post(f"/api/v1/admin/actions/{action}/reverse", json={"reason": "x"}, headers=reviewer).status_code
        == 409
    )
    assert db.session.scalars(select(AuditRow)).all() == []


def listed(client, reviewer, status):
    """Ids of all actions of a status, asked for one at a time."""
    ids, after = [], ""
    while after is not None:
        page = client.get(f"/api/v1/admin/actions?status={status}&limit=1{after}", headers=reviewer).json
        assert {item["status"] for item in page["items"]} == {status}
        ids += [item["id"] for item in page["items"]]
        after = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return ids


def test_actions_of_each_status_are_listed_in_pages(client, plates, reviewer, new_resident):
    ids = [plates(number, by=new_resident(f"r{number}"))["id"] for number in range(8)]
    for which, verb in ((1, "accept"), (0, "accept"), (4, "accept"), (5, "accept"), (3, "refuse"), (2, "refuse")):
        path, why = f"/api/v1/admin/actions/{ids[which]}/{verb}", {"reason": "blurred"}
        assert client.post(path, json=why if verb == "refuse" else None, headers=reviewer).status_code == 200
    for which in (5, 4):
        path = f"/api/v1/admin/actions/{ids[which]}/reverse"
        assert client.post(path, json={"reason": "fraud"}, headers=reviewer).status_code == 200
    wanted = {"pending": [6, 7], "refused": [2, 3], "reversed": [4, 5], "credited": [0, 1]}
    found = {status: listed(client, reviewer, status) for status in wanted}
    # In the order in which they came in or were accepted; credited ones in that of their residents.
    assert found == {status: [ids[place] for place in places] for status, places in wanted.items()}


@pytest.mark.parametrize(
    ("status", "index"),
    [
        ("pending", "actions_uncredited_idx"),
        ("refused", "actions_uncredited_idx"),
        ("reversed", "actions_uncredited_idx"),
        ("credited", "actions_pkey"),
    ],
)
@pytest.mark.parametrize("after", [None, (datetime(2026, 1, 1, tzinfo=UTC), 1, 1)])
def test_no_list_of_actions_sorts_all_of_them(app, status, index, after):
    asked = []
    with noticed(lambda _connection, statement, values: asked.append((statement, values))), transaction():
        reviewing.of_status(status=status, limit=21, after=after)
    statement, values = asked[-1]
    with transaction():
        cursor().execute("SET LOCAL enable_seqscan = off")
        cursor().execute("SET LOCAL enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in cursor().execute(f"EXPLAIN {statement}", values).fetchall())
    assert f"Index Scan using {index}" in plan
    assert status != "credited" or "Sort" not in plan


@pytest.mark.parametrize("action", ["1-99", "x", "99999999999999999999-1", "1-99999999999", "-", "1-"])
def test_what_is_no_action_is_not_found(client, reviewer, action):
    assert client.post(f"/api/v1/admin/actions/{action}/accept", headers=reviewer).status_code == 404


def test_an_accepted_photo_is_credited_by_the_factor_of_when_it_came_in(client, plates, reviewer, admin_headers):
    action = plates(1)["id"]
    change = {"value_mg": 1}
    headers = admin_headers("operator", **{"If-Match": '"1"'})
    assert client.patch("/api/v1/admin/factors/clean_plate", json=change, headers=headers).status_code == 200
    accepted = client.post(f"/api/v1/admin/actions/{action}/accept", headers=reviewer).json
    assert (accepted["co2e_g"], accepted["explanation"]["factors"][0]["version"]) == (144.0, 1)
    # Boards rank by when it was accepted.
    projector.drain()
    assert projected() == expected_now()
    assert list(verify()) == []


def test_decisions_move_the_points_of_the_year_that_the_action_is_of(app, resident, settings):
    at = clock.day_bounds(clock.local_day(clock.now()).replace(month=1, day=1))[0] - timedelta(hours=3)
    photo = {"tier": "photo", "evidence": {"photo_sha256": "ab" * 32}, "happened_at": at, "day": clock.local_day(at)}
    plate = Claim("clean_plate", quantity_milli=None, unit=None, ended_at=None, max_age_days=400, **photo)
    with transaction():
        record_many({resident.resident_id: [plate]}, settings=settings, now=clock.now())
    decided = {"resident_id": resident.resident_id, "seq": 1, "by": "command:test", "now": clock.now()}
    points = select(YearlyPoints.year, YearlyPoints.points)
    for decide, left in ((reviewing.accept, 5), (partial(reverse, reason="fraud"), 0)):
        with transaction():
            decide(**decided)
        assert db.session.execute(points).all() == [(at.year, left)]


@pytest.fixture
def photographed(app):
    """Rides may be shown by a photo, too, which a reviewer looks at."""
    photo = '[{"tier": "photo", "basis": "fixed", "points": 1, "per": 1, "review": true}]'
    of_bikes = "task_id = (SELECT id FROM green_tasks WHERE code = 'bike_ride')"
    with transaction(), changeable("task_versions"):
        db.session.execute(text(f"UPDATE task_versions SET evidence = evidence || '{photo}'::jsonb WHERE {of_bikes}"))
        revision.changed()


def test_a_trip_that_waits_keeps_no_other_out_and_none_is_accepted_beside_another(
    client, photographed, resident, headers, reviewer
):
    ended = clock.now() - timedelta(hours=2)
    ride = {
        "task": "bike_ride",
        "started_at": clock.rfc3339(ended - timedelta(minutes=20)),
        "occurred_at": clock.rfc3339(ended),
        "activity": {"quantity": 2000, "unit": "m"},
    }
    first, second = ({**ride, "evidence": {"kind": "photo", "photo_sha256": digit * 64}} for digit in "01")

    def sent(*actions):
        answer = client.post("/api/v1/actions/batch", json={"actions": actions}, headers=headers(resident))
        return [line["status"] for line in answer.json["results"]]

    def decided(seq, verb):
        path, why = f"/api/v1/admin/actions/{resident.resident_id}-{seq}/{verb}", {"reason": "x"}
        answer = client.post(path, json=why if verb == "reverse" else None, headers=reviewer)
        return answer.json["type" if answer.status_code == 409 else "status"]

    assert [sent(first), sent(second, ride)] == [["pending"], ["pending", "credited"]]
    assert decided(1, "accept") == "overlapping-action"
    assert [decided(3, "reverse"), decided(1, "accept")] == ["reversed", "credited"]
    assert decided(2, "accept") == "overlapping-action"
    assert differences(with_actions=True) == []
