"""Many requests of one resident at the same moment: exact counts, one effect for one key."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions import check_in
from backend.actions.reversing import reverse
from backend.database import db, transaction
from backend.emissions import revision
from tests.actions.holding import KEY, PATIENCE_S, STORE, somebody_else, until
from tests.append_only import changeable
from tests.books import differences
from tests.together import together


@pytest.fixture
def send(app, resident, headers):
    sign = headers(resident)

    def make(path, body, key=None):
        extra = {"Idempotency-Key": key} if key else {}
        return lambda: app.test_client().post(path, json=body, headers=sign | extra)

    return make


def bag(**more):
    return {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now() - timedelta(minutes=5)), **more}


def statuses(answers):
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(("path", "wrap"), [("/api/v1/actions", False), ("/api/v1/actions/batch", True)])
def test_one_key_sent_eight_times_at_once_has_one_effect_and_one_answer(app, send, path, wrap):
    body = {"actions": [bag()]} if wrap else bag()
    answers = together(app, [send(path, body, "same")] * 8)
    good = [answer.json for answer in answers if answer.status_code in {200, 201}]
    assert good
    assert all(answer == good[0] for answer in good)
    assert {answer.json["type"] for answer in answers if answer.status_code == 409} <= {"idempotency-in-flight"}
    assert differences(with_actions=True) == []
    assert send("/api/v1/actions", bag())().json["wallet"] == {"balance": 2}


def test_of_sixteen_bags_at_once_two_count(app, send):
    answers = together(app, [send("/api/v1/actions", bag())] * 16)
    assert statuses(answers) == {201: 2, 409: 14}
    assert differences(with_actions=True) == []


def test_single_and_batch_requests_share_the_limit(app, send):
    one, many = send("/api/v1/actions", bag()), send("/api/v1/actions/batch", {"actions": [bag(), bag()]})
    answers = together(app, [one, many] * 4)
    singles = sum(1 for answer in answers[::2] if answer.status_code == 201)
    batched = sum(line["status"] == "credited" for answer in answers[1::2] for line in answer.json["results"])
    assert singles + batched == 2
    assert differences(with_actions=True) == []


def test_one_client_reference_counts_once_however_it_comes(app, send):
    reference = bag(client_reference="r1")
    calls = [send("/api/v1/actions", reference), send("/api/v1/actions/batch", {"actions": [reference, reference]})]
    together(app, calls * 4)
    assert send("/api/v1/actions", bag())().json["wallet"] == {"balance": 2}
    assert differences(with_actions=True) == []


def test_one_check_in_code_counts_once_however_it_comes(app, send):
    token = check_in.issue(task="carton_return", place="gate", by=1, now=clock.now(), valid_s=3600)
    evidence = {"kind": "check_in", "check_in_token": token}
    carton = {"task": "carton_return", "occurred_at": clock.rfc3339(clock.now()), "evidence": evidence}
    calls = [send("/api/v1/actions", carton), send("/api/v1/actions/batch", {"actions": [carton, carton]})]
    together(app, calls * 4)
    assert send("/api/v1/actions", bag())().json["wallet"] == {"balance": 5 + 1}
    assert differences(with_actions=True) == []


def test_an_award_and_a_reversal_at_once_keep_the_books(app, send, resident):
    assert send("/api/v1/actions", bag())().status_code == 201

    def take_back():
        with transaction():
            reverse(resident_id=resident.resident_id, seq=1, reason="test", by="test", now=clock.now())

    together(app, [take_back, send("/api/v1/actions", bag()), send("/api/v1/actions", bag())])
    assert differences(with_actions=True) == []


def test_of_eighty_requests_at_once_that_all_may_count_none_is_sent_away(app, send):
    with transaction(), changeable("task_versions"):
        db.session.execute(text("UPDATE task_versions SET limit_count = 80, points_cap_day = NULL"))
        revision.changed()

    def five():
        return [send("/api/v1/actions", bag())() for _ in range(5)]

    answers = [answer for five_answers in together(app, [five] * 16) for answer in five_answers]
    assert statuses(answers) == {201: 80}
    assert differences(with_actions=True) == []


@pytest.mark.parametrize(("path", "wrap"), [("/api/v1/actions", False), ("/api/v1/actions/batch", True)])
def test_a_key_that_a_request_of_another_kind_takes_at_that_moment_is_told(app, resident, send, path, wrap):
    call = send(path, {"actions": [bag()]} if wrap else bag(), KEY)
    waits = "SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
    with ThreadPoolExecutor(1) as pool, somebody_else() as other:
        other.execute(STORE, (resident.resident_id, KEY))
        waiting = pool.submit(call)
        until(lambda: other.execute(waits, (other.info.backend_pid,)).fetchone() is not None)
        other.commit()
        answer = waiting.result(PATIENCE_S)
    assert (answer.status_code, answer.json["type"]) == (422, "idempotency-key-reused")
    assert differences(with_actions=True) == []
