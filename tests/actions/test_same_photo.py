"""Reviewers see where else a photo was sent; it is refused by nobody but them."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from backend import clock
from backend.actions import photos
from backend.actions.models import Action
from backend.database import cursor, db, text_array
from tests.actions.conftest import PATH
from tests.sent_statements import noticed

HASH = "ab" * 32
MANY = 6_000


@pytest.fixture
def send(client, headers):
    """send(resident, evidence…) → the id of a plate of theirs, each a minute later than the one before."""
    noon = clock.day_bounds(clock.local_day(clock.now()) - timedelta(days=1))[0] + timedelta(hours=12)
    times = (clock.rfc3339(noon + timedelta(minutes=number)) for number in range(60))

    def sent(who, **evidence):
        body = {"task": "clean_plate", "occurred_at": next(times), "evidence": {"kind": "photo", **evidence}}
        answer = client.post(PATH, json=body, headers=headers(who))
        assert (answer.status_code, answer.json["status"]) == (201, "pending"), answer.text
        return answer.json["id"]

    return sent


@pytest.fixture
def listed(client, admin_headers):
    """listed(status) → id → the action as the reviewer's list shows it."""
    reviewer = admin_headers("reviewer")

    def ask(status="pending"):
        page = client.get(f"/api/v1/admin/actions?status={status}", headers=reviewer)
        assert page.status_code == 200, page.text
        return {item["id"]: item for item in page.json["items"]}

    return ask


@pytest.fixture
def decide(client, admin_headers):
    """decide(id, verb) has a reviewer do that."""
    reviewer = admin_headers("reviewer")

    def done(action, verb):
        why = None if verb == "accept" else {"reason": "seen before"}
        answer = client.post(f"/api/v1/admin/actions/{action}/{verb}", json=why, headers=reviewer)
        assert answer.status_code == 200, answer.text

    return done


def others(*found):
    """What is shown of these (id, status)."""
    return {"count": len(found), "actions": [{"id": action, "status": status} for action, status in found]}


def test_a_photo_of_two_residents_shows_each_the_other(send, listed, new_resident):
    mine, theirs, apart = (
        send(new_resident(f"r{number}"), photo_sha256=photo) for number, photo in enumerate((HASH, HASH, "cd" * 32))
    )
    shown = {action: item["same_photo"] for action, item in listed().items()}
    assert shown == {mine: others((theirs, "pending")), theirs: others((mine, "pending")), apart: others()}


def test_a_photo_that_a_resident_sends_again_is_for_the_reviewer(send, listed, resident):
    first, again = send(resident, photo_sha256=HASH), send(resident, photo_sha256=HASH)
    shown = {action: item["same_photo"] for action, item in listed().items()}
    assert shown == {first: others((again, "pending")), again: others((first, "pending"))}


@pytest.mark.parametrize("path", [PATH, f"{PATH}/batch"])
def test_a_hash_in_upper_case_is_the_same_photo(client, headers, send, listed, resident, new_resident, path):
    lower = send(resident, photo_sha256=HASH)
    at = clock.rfc3339(clock.now() - timedelta(minutes=5))
    given = {
        "task": "clean_plate",
        "occurred_at": at,
        "evidence": {"kind": "photo", "photo_sha256": HASH.upper().replace("A", "a")},
    }
    body = given if path == PATH else {"actions": [given]}
    answer = client.post(path, json=body, headers=headers(new_resident("other"))).json
    upper = answer.get("id") or answer["results"][0]["id"]
    shown = listed()
    assert shown[lower]["same_photo"] == others((upper, "pending"))
    assert shown[upper]["same_photo"] == others((lower, "pending"))
    assert {item["evidence_data"]["photo_sha256"] for item in shown.values()} == {HASH}


@pytest.mark.parametrize("wrong", ["ab" * 31 + "a", "ab" * 32 + "a", "ag" * 32, "ab" * 32 + "\n", 7])
def test_what_is_no_hash_is_refused(client, headers, resident, wrong):
    at = clock.rfc3339(clock.now() - timedelta(minutes=5))
    given = {"task": "clean_plate", "occurred_at": at, "evidence": {"kind": "photo", "photo_sha256": wrong}}
    answer = client.post(PATH, json=given, headers=headers(resident))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "evidence.photo_sha256")


def test_what_has_no_hash_is_compared_with_nothing(client, headers, send, listed, resident):
    at = clock.rfc3339(clock.now() - timedelta(minutes=5))
    assert client.post(PATH, json={"task": "own_bag", "occurred_at": at}, headers=headers(resident)).status_code == 201
    for _ in range(2):
        send(resident, photo_url="https://city.example/plate.jpg")
    asked = []
    with noticed(lambda _connection, statement, _values: asked.append(statement)):
        shown = [*listed("credited").values(), *listed().values()]
    assert [item["status"] for item in shown] == ["credited", "pending", "pending"]
    assert not [item for item in shown if "same_photo" in item]
    assert photos.BEARING not in asked


def test_others_count_whatever_became_of_them(send, listed, decide, new_resident):
    accepted, refused, reversed_, waiting = (send(new_resident(f"r{number}"), photo_sha256=HASH) for number in range(4))
    decide(refused, "refuse")
    decide(accepted, "accept")
    decide(reversed_, "accept")
    decide(reversed_, "reverse")
    shown = listed()[waiting]["same_photo"]
    outcomes = {accepted: "credited", refused: "refused", reversed_: "reversed"}
    assert {one["id"]: one["status"] for one in shown["actions"]} == outcomes
    assert shown["count"] == 3
    assert listed("refused")[refused]["same_photo"]["count"] == 3


def test_five_are_named_and_all_are_counted(send, listed, new_resident):
    ids = [send(new_resident(f"r{number}"), photo_sha256=HASH) for number in range(8)]
    shown = listed()
    for place, action in enumerate(ids):
        same = shown[action]["same_photo"]
        assert same["count"] == 7
        assert [one["id"] for one in same["actions"]] == [*ids[:place], *ids[place + 1 :]][:5]


def test_who_is_erased_leaves_no_photo_to_compare(client, headers, send, listed, resident, new_resident):
    send(resident, photo_sha256=HASH)
    left = send(new_resident("other"), photo_sha256=HASH)
    assert client.delete("/api/v1/me", headers=headers(resident)).status_code < 300
    assert listed()[left]["same_photo"] == others()
    assert "same_photo" not in next(iter(listed("refused").values()))


def test_a_page_takes_one_statement_for_the_photos_of_all_its_actions(send, listed, new_resident):
    def statements():
        asked = []
        with noticed(lambda _connection, statement, _values: asked.append(statement)):
            listed()
        return asked

    for number in range(2):
        send(new_resident(f"r{number}"), photo_sha256=HASH)
    listed()  # what is read once and kept is read now
    few = statements()
    for number in range(2, 9):
        send(new_resident(f"r{number}"), photo_sha256=f"{number // 2:064x}")
    many = statements()
    assert few.count(photos.BEARING) == many.count(photos.BEARING) == 1
    assert len(many) == len(few)


@pytest.fixture
def filled(app):
    """MANY actions, of which each third has a photo; afterwards nothing is left of them.

    The photos of the first third are all the same, as where a client hashes nothing; all others are each sent twice.
    """
    with app.app_context():
        db.session.execute(
            text(f"""
            INSERT INTO actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at,
                local_day, co2e_mg, points, posted_at, evidence)
            SELECT n, 1, 1, 1, 'photo', 'pending', 1, now(), current_date, 0, 0, now() + n * interval '1 second',
                CASE WHEN n % 3 = 0 THEN jsonb_build_object('photo_sha256',
                    CASE WHEN n <= {MANY // 3} * 2 THEN 'none' ELSE lpad((n / 6)::text, 64, '0') END) END
            FROM generate_series(1, {MANY}) n""")
        )
        db.session.execute(text("ANALYZE actions"))
        yield
        db.session.rollback()


@pytest.mark.parametrize("photo", ["none", f"{MANY // 6 - 1:064}", "never sent"])
def test_the_same_photo_is_found_by_its_index_among_very_many_actions(filled, photo):
    plan = [row[0] for row in cursor().execute(f"EXPLAIN {photos.BEARING}", (text_array([photo]),))]
    assert any("using actions_photo_idx" in line for line in plan), plan
    assert not any("Seq Scan" in line for line in plan), plan


def test_of_a_photo_that_everybody_sends_as_many_are_counted_as_do_no_harm(filled):
    wanted = select(Action).where(Action.resident_id.in_([3, MANY - 3])).order_by(Action.resident_id)
    common, shared = photos.same_photo(db.session.scalars(wanted).all())
    assert common["count"] == photos.COUNTED
    assert [one["id"] for one in common["actions"]] == ["6-1", "9-1", "12-1", "15-1", "18-1"]
    assert shared == others((f"{MANY - 6}-1", "pending"))


def test_the_index_holds_only_actions_that_have_a_photo(filled):
    sizes = "SELECT reltuples::int FROM pg_class WHERE relname = 'actions_photo_idx'"
    assert db.session.scalar(text(sizes)) == MANY // 3
