"""A check-in code stands for what was done while it was shown, and for nothing before."""

import hmac
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine

from backend import clock
from backend.actions import check_in as codes
from backend.actions.reversing import reverse
from backend.admins import auth as admins_auth
from backend.database import transaction

ACTIONS = "/api/v1/actions"
TASK, SKEW = "event_checkin", timedelta(seconds=300)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _the_clock_stands(well_into_the_day):
    """At a full second."""
    with time_machine.travel(clock.now().replace(microsecond=0), tick=False):
        yield


@pytest.fixture
def code(client, admin_headers):
    """code() → a code for the event, good for so many seconds, and when it was shown."""

    def show(valid_s=60):
        shown_at = clock.now()
        wanted = {"task": TASK, "place": "park-gate", "valid_s": valid_s}
        answer = client.post("/api/v1/admin/check-ins", json=wanted, headers=admin_headers("operator"))
        return answer.json["token"], shown_at

    return show


def scanned(token, at, **more):
    """An action with that code."""
    evidence = {"kind": "check_in", "check_in_token": token}
    return {"task": TASK, "occurred_at": clock.rfc3339(at), "evidence": evidence, **more}


@pytest.fixture
def check_in(client, resident, headers):
    """check_in(token, at) → the answer to an action with that code, of the resident or of somebody else."""

    def send(token, at, by=resident, **more):
        sign = {"Accept-Language": "en", **headers(by)}
        return client.post(ACTIONS, json=scanned(token, at, **more), headers=sign)

    return send


@pytest.fixture
def check_in_many(client, resident, headers):
    """check_in_many(…) → what became of each of these actions, sent in one batch."""

    def send(*actions):
        answer = client.post(f"{ACTIONS}/batch", json={"actions": actions}, headers=headers(resident))
        assert answer.status_code == 200, answer.text
        return [(line["status"], line.get("reason")) for line in answer.json["results"]]

    return send


def of_the_release_before(settings, *, until, shown="park-gate"):
    """A token that does not say who had it issued, or not even since when its code is shown."""
    text = f"check-in\n{TASK}\n{shown}\n{until}"
    return f"{until}.{shown}.{hmac.new(settings.secret_key.encode(), text.encode(), sha256).hexdigest()[:32]}"


def test_one_code_does_not_credit_the_days_before_it(client, code, resident, headers):
    token, shown_at = code(3600)
    evidence = {"kind": "check_in", "check_in_token": token}
    days = [{"task": TASK, "occurred_at": clock.rfc3339(shown_at - timedelta(days=ago))} for ago in range(7)]
    batch = {"actions": [{**day, "evidence": evidence} for day in days]}
    answer = client.post(f"{ACTIONS}/batch", json=batch, headers={"Accept-Language": "en", **headers(resident)}).json
    outcomes = [(line["status"], line.get("reason")) for line in answer["results"]]
    assert outcomes == [("credited", None), *[("refused", "validation-failed")] * 6]
    assert answer["wallet"] == {"balance": 10}
    assert answer["results"][1]["message"] == (
        f"Give the time of the scan: this code has been shown since {clock.rfc3339(shown_at)}."
    )


def test_a_code_counts_once_for_each_who_scans_it(code, check_in, new_resident):
    token, shown_at = code()
    assert check_in(token, shown_at).status_code == 201
    again = check_in(token, shown_at + MICROSECOND, client_reference="another")
    assert (again.status_code, again.json["type"]) == (409, "duplicate-action")
    assert check_in(token, shown_at, by=new_resident("companion")).status_code == 201
    with time_machine.travel(shown_at + timedelta(seconds=30), tick=False):
        assert check_in(*code()).status_code == 201


def test_a_code_counts_once_in_a_batch_and_beside_it(code, check_in, check_in_many):
    (first, shown_at), (second, _) = code(), code(90)
    lines = check_in_many(scanned(first, shown_at), scanned(first, shown_at), scanned(second, shown_at))
    duplicate = ("duplicate", "duplicate-action")
    assert lines == [("credited", None), duplicate, ("credited", None)]
    assert check_in_many(scanned(second, shown_at), scanned(first, shown_at)) == [duplicate, duplicate]
    assert check_in(first, shown_at).json["type"] == "duplicate-action"


def test_a_code_is_used_up_by_an_action_that_was_reversed(code, check_in, resident):
    token, shown_at = code()
    assert check_in(token, shown_at).status_code == 201
    with transaction():
        reverse(resident_id=resident.resident_id, seq=1, reason="test", by="test", now=clock.now())
    assert check_in(token, shown_at).json["type"] == "duplicate-action"


def test_a_code_counts_on_one_side_of_midnight_only(check_in, check_in_many):
    midnight = clock.day_bounds(clock.local_day(clock.now()))[1]
    token = codes.issue(task=TASK, place="park-gate", by=1, now=midnight - timedelta(minutes=40), valid_s=3600)
    with time_machine.travel(midnight - timedelta(minutes=40), tick=False):
        assert check_in(token, clock.now() - SKEW).status_code == 201
    with time_machine.travel(midnight + timedelta(minutes=20), tick=False):
        assert check_in(token, clock.now()).json["type"] == "duplicate-action"
        assert check_in_many(scanned(token, clock.now())) == [("duplicate", "duplicate-action")]


def test_a_code_is_written_in_one_way_only(code, check_in):
    token, shown_at = code()
    assert check_in(f"0{token}", shown_at).status_code == 422


def test_the_clock_of_a_phone_may_be_as_far_behind_as_it_may_be_ahead(code, check_in):
    token, shown_at = code()
    assert check_in(token, shown_at - SKEW).status_code == 201
    refused = check_in(token, shown_at - SKEW - MICROSECOND)
    assert (refused.status_code, refused.json["type"]) == (422, "validation-failed")
    assert [error["field"] for error in refused.json["errors"]] == ["occurred_at"]
    assert check_in(token, shown_at + SKEW + MICROSECOND).json["type"] == "in-the-future"


def test_what_began_before_the_code_was_shown_is_not_of_that_day(code, check_in):
    token, shown_at = code()
    refused = check_in(token, shown_at, started_at=clock.rfc3339(shown_at - timedelta(days=1)))
    assert [error["field"] for error in refused.json["errors"]] == ["started_at"]


def test_a_code_of_the_release_before_is_taken_for_as_long_as_any_is_good(settings, check_in):
    now = clock.now()
    token = of_the_release_before(settings, until=int(now.timestamp()) + 60)
    assert check_in(token, now - timedelta(minutes=50)).status_code == 201
    assert check_in(token, now - timedelta(days=1)).status_code == 422


def test_a_code_that_does_not_say_who_had_it_issued_is_good_while_it_lasts(settings, check_in):
    now = int(clock.now().timestamp())
    token = of_the_release_before(settings, until=now + 60, shown=f"park-gate.{now}")
    assert check_in(token, clock.now()).status_code == 201
    assert check_in(token, clock.now() - SKEW - MICROSECOND).status_code == 422


def test_who_had_a_code_issued_stands_in_the_evidence_by_number_alone(
    client, new_admin, admin_headers, resident, headers, check_in
):
    admin = new_admin("operator", username="wang.li")
    sign = {"Authorization": f"Bearer {admins_auth.issue(admin).token}"}
    wanted = {"task": TASK, "place": "park-gate", "valid_s": 60}
    token = client.post("/api/v1/admin/check-ins", json=wanted, headers=sign).json["token"]
    told = check_in(token, clock.now())
    (seen,) = client.get("/api/v1/admin/actions?status=credited", headers=admin_headers("reviewer")).json["items"]
    assert seen["evidence_data"]["check_in_token"].split(".")[1] == f"park-gate@{admin.id}"
    read = [client.get(f"/api/v1{path}", headers=headers(resident)).text for path in ("/me/export", "/actions")]
    assert all(name not in text for name in (admin.username, admin.actor) for text in (told.text, *read))


@pytest.mark.parametrize("change", [("park-gate", "other-gate"), ("@", "@1"), (".1", ".2"), ("1", "9")])
def test_a_code_that_was_altered_is_no_code(code, check_in, change):
    token, shown_at = code()
    refused = check_in(token.replace(*change), shown_at)
    assert [error["field"] for error in refused.json["errors"]] == ["evidence.check_in_token"]


def test_a_code_is_good_for_its_own_task_until_it_ends(settings, code, check_in):
    token, shown_at = code()
    assert check_in(token, shown_at, task="waste_sorting").status_code == 422
    ended = of_the_release_before(settings, until=int(clock.now().timestamp()) - 1)
    assert check_in(ended, shown_at).status_code == 422


def test_a_request_that_is_sent_again_after_its_code_has_ended_gets_its_first_answer(client, resident, headers, code):
    token, at = code()
    sent = {"json": scanned(token, at), "headers": {**headers(resident), "Idempotency-Key": "once"}}
    first = client.post(ACTIONS, **sent)
    assert first.status_code == 201
    with time_machine.travel(at + timedelta(minutes=5), tick=False):
        again = client.post(ACTIONS, **sent)
        assert (again.status_code, again.json) == (201, first.json)
        assert again.headers["Idempotent-Replayed"] == "true"
        other = {**sent, "headers": {**headers(resident), "Idempotency-Key": "another"}}
        assert client.post(ACTIONS, **other).status_code == 422
        reused = {**sent, "json": scanned(token, at, client_reference="another")}
        assert client.post(ACTIONS, **reused).json["type"].endswith("idempotency-key-reused")


def test_so_does_a_batch_of_nothing_else(client, resident, headers, code):
    token, at = code()
    sent = {"json": {"actions": [scanned(token, at)]}, "headers": {**headers(resident), "Idempotency-Key": "once"}}
    first = client.post(f"{ACTIONS}/batch", **sent)
    assert [line["status"] for line in first.json["results"]] == ["credited"]
    with time_machine.travel(at + timedelta(minutes=5), tick=False):
        assert client.post(f"{ACTIONS}/batch", **sent).json == first.json


def test_a_code_says_until_when_it_is_good(client, admin_headers):
    wanted = {"task": TASK, "place": "park", "valid_s": 60}
    shown = client.post("/api/v1/admin/check-ins", json=wanted, headers=admin_headers("operator")).json
    assert shown["expires_at"] == clock.rfc3339(clock.now() + timedelta(seconds=60))
    assert shown["expires_at"].endswith("Z")
