"""Requests that are recorded in one transaction: each gets what it would have got alone."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import text

from backend import clock
from backend.actions import check_in, rules
from backend.actions import record_one as recording
from backend.database import db, transaction
from backend.database.ready_connections import ReadyConnections
from tests.actions.holding import PATIENCE_S, bag, held, until
from tests.append_only import changeable
from tests.books import differences
from tests.sent_statements import forget_prepared


def test_distinct_residents_in_one_group_are_each_credited(at_once, ask, new_resident, groups):
    residents = [new_resident() for _ in range(6)]
    answers = at_once([ask(resident) for resident in residents])
    assert [answer.status_code for answer in answers] == [201] * 6
    assert [answer.json["id"] for answer in answers] == [f"{resident.resident_id}-1" for resident in residents]
    assert sorted(resident.resident_id for resident in residents) in [sorted(group) for group in groups]
    assert differences(with_actions=True) == []


def test_of_one_resident_as_many_count_as_the_limit_allows(at_once, ask, resident, groups):
    answers = at_once([ask(resident) for _ in range(5)])
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 3}
    assert [answer.json["wallet"]["balance"] for answer in answers if answer.status_code == 201] == [1, 2]
    assert [resident.resident_id] * 5 in groups
    assert differences(with_actions=True) == []


def test_who_comes_while_the_residents_wallet_is_waited_for_goes_along(app, at_once, ask, resident, groups):
    line, late, body = recording.gathering(), [], bag()
    calls = [ask(resident, body, f"k{number}") for number in range(4)]
    repeated = ask(resident, body, "k0")
    is_held, let_go = threading.Event(), threading.Event()

    def holding():
        with app.app_context(), held(resident):
            is_held.set()
            assert let_go.wait(PATIENCE_S)

    def come():
        until(lambda: resident.resident_id in line._busy and not line._line)
        with ThreadPoolExecutor(3) as pool:
            for call in (*calls[2:], repeated):
                late.append(pool.submit(call))
                until(lambda: len(line._line) == len(late))
            let_go.set()

    holder, comer = threading.Thread(target=holding), threading.Thread(target=come)
    holder.start()
    assert is_held.wait(PATIENCE_S)
    answers = at_once(calls[:2], meanwhile=comer.start)
    for thread in (holder, comer):
        thread.join(PATIENCE_S)
    answers += [future.result(PATIENCE_S) for future in late]
    assert [resident.resident_id] * 4 in groups
    # Two count, by the limit; whoever asks for the same again hears the same.
    assert Counter(answer.status_code for answer in answers[:4]) == {201: 2, 409: 2}
    assert (answers[4].status_code, answers[4].json) == (answers[0].status_code, answers[0].json)
    assert differences(with_actions=True) == []


def test_a_lock_that_is_prepared_no_more_costs_nobody_an_answer(at_once, ask, resident, monkeypatch):
    at_once([ask(resident) for _ in range(3)])
    lost = []

    @contextmanager
    def losing(ready, one=ReadyConnections.one):
        with one(ready) as statements:
            lost.extend(forget_prepared(statements.connection.pgconn, "LIKE '%FROM wallets%FOR NO KEY UPDATE'"))
            yield statements

    earlier = bag(occurred_at=clock.rfc3339(clock.now() - timedelta(days=3)))
    monkeypatch.setattr(ReadyConnections, "one", losing)
    answers = at_once([ask(resident, earlier, key) for key in ("a", "b", "a")])
    assert lost
    assert [answer.status_code for answer in answers] == [201] * 3
    assert answers[0].json == answers[2].json != answers[1].json
    assert differences(with_actions=True) == []


def test_days_apart_are_judged_apart_although_they_are_read_together(at_once, ask, resident):
    earlier = bag(occurred_at=clock.rfc3339(clock.now() - timedelta(days=3)))
    answers = at_once([ask(resident, body) for body in (bag(), earlier, bag(), earlier, bag(), earlier)])
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 409, 409]
    assert differences(with_actions=True) == []


def test_one_of_them_reads_the_past_of_all_days(at_once, ask, resident):
    earlier = bag(occurred_at=clock.rfc3339(clock.now() - timedelta(days=3)))
    assert [ask(resident, body)().status_code for body in (bag(), earlier)] == [201, 201]
    answers = at_once([ask(resident, body) for body in (bag(), earlier, bag(), earlier)])
    assert [answer.status_code for answer in answers] == [201, 201, 409, 409]
    assert differences(with_actions=True) == []


def test_one_key_in_one_group_has_one_effect_and_one_answer(at_once, ask, resident):
    body = bag()
    answers = at_once([ask(resident, body, "same") for _ in range(4)])
    assert [answer.status_code for answer in answers] == [201] * 4
    assert all(answer.json == answers[0].json for answer in answers)
    assert (
        db.session.scalar(text("SELECT count(*) FROM actions WHERE resident_id = :r"), {"r": resident.resident_id}) == 1
    )


def test_an_answer_of_before_is_given_again_inside_a_group(at_once, ask, resident, new_resident):
    body = bag()
    before = ask(resident, body, "k")()
    again, other = at_once([ask(resident, body, "k"), ask(new_resident())])
    assert (again.status_code, again.json) == (201, before.json)
    assert other.status_code == 201


def test_refusals_are_their_own_affair(at_once, ask, new_resident):
    good, ended, reused, old = (new_resident() for _ in range(4))
    call = ask(ended)
    with transaction():
        db.session.execute(
            text("UPDATE residents SET token_epoch = 1 WHERE resident_id = :r"), {"r": ended.resident_id}
        )
    assert ask(reused, bag(), "k")().status_code == 201
    answers = at_once(
        [
            call,
            ask(good),
            ask(reused, bag(client_reference="other"), "k"),
            ask(old, bag(occurred_at=clock.rfc3339(clock.now() - timedelta(days=30)))),
        ]
    )
    assert [answer.json.get("type") for answer in answers] == [
        "unauthenticated",
        None,
        "idempotency-key-reused",
        "too-old",
    ]
    assert differences(with_actions=True) == []


def test_each_is_answered_in_its_own_language(at_once, ask, new_resident):
    ride = bag(task="bike_ride", started_at=clock.rfc3339(clock.now() - timedelta(minutes=25)))
    ride["activity"] = {"quantity": 2_000, "unit": "m"}
    languages = ("zh-CN", "en", "zh-CN", "en")
    answers = at_once([ask(new_resident(), ride, **{"Accept-Language": spoken}) for spoken in languages])
    names = [answer.json["explanation"]["factors"][0]["name"] for answer in answers]
    assert names[0] == names[2] != names[1] == names[3]
    assert names[1].isascii()


def test_nobody_waits_for_another_residents_lock(app, at_once, ask, new_resident):
    locked, free = new_resident(), new_resident()
    is_held, let_go = threading.Event(), threading.Event()

    def holding():
        with app.app_context(), held(locked):
            is_held.set()
            assert let_go.wait(PATIENCE_S)

    call, quick_call = ask(locked), ask(free)

    def quick():
        answer = quick_call()
        # Only then may the other one go on: had this one waited for it, neither would ever be answered.
        let_go.set()
        return answer

    holder = threading.Thread(target=holding)
    holder.start()
    assert is_held.wait(PATIENCE_S)
    answers = at_once([call, quick])
    holder.join(PATIENCE_S)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert differences(with_actions=True) == []


def test_who_asks_alone_for_a_locked_wallet_keeps_nobody_waiting(app, ask, new_resident):
    locked, free = [new_resident() for _ in range(2 * recording.LEADERS)], new_resident()
    with ThreadPoolExecutor(len(locked)) as pool:
        with held(*locked):
            waiting = [pool.submit(ask(resident)) for resident in locked]
            until(lambda: {resident.resident_id for resident in locked} <= recording.gathering()._busy)
            # As many as there are leaders would keep all others of this process in line, were they to wait as leaders.
            assert ask(free)().status_code == 201
        assert {future.result(PATIENCE_S).status_code for future in waiting} == {201}
    assert differences(with_actions=True) == []


def test_a_reference_taken_by_another_request_at_that_moment_costs_nobody_else(at_once, ask, resident, new_resident):
    reference = bag(client_reference="r1")
    answers = at_once([ask(resident, reference), ask(resident, reference), ask(new_resident())])
    assert [answer.json.get("type") for answer in answers] == [None, "duplicate-action", None]
    assert differences(with_actions=True) == []


def test_a_code_counts_once_for_each_of_a_group(at_once, ask, resident, new_resident):
    tokens = [check_in.issue(task="event_checkin", place=place, by=1, now=clock.now(), valid_s=60) for place in "ab"]
    first, second = (
        bag(
            task="event_checkin",
            occurred_at=clock.rfc3339(clock.now()),
            evidence={"kind": "check_in", "check_in_token": token},
        )
        for token in tokens
    )
    assert ask(resident, first)().status_code == 201
    other = new_resident()
    calls = [ask(resident, first), ask(resident), ask(resident, second), ask(resident, second), ask(other, second)]
    repeated = "duplicate-action"
    assert [answer.json.get("type") for answer in at_once(calls)] == [repeated, None, None, repeated, None]
    assert differences(with_actions=True) == []


def test_a_new_catalogue_is_taken_up_by_a_whole_group(at_once, ask, new_resident):
    ask(new_resident())()

    def edit():
        with transaction(), changeable("task_versions"):
            db.session.execute(text("UPDATE catalogue_revision SET revision = revision + 1"))
            db.session.execute(text("UPDATE task_versions SET limit_count = 1"))

    eager, other = new_resident(), new_resident()
    answers = at_once([ask(eager), ask(eager), ask(other)], meanwhile=edit)
    assert [answer.status_code for answer in answers] == [201, 409, 201]


def test_what_cannot_be_stored_is_the_error_of_who_asked_for_it_alone(
    at_once, ask, resident, new_resident, too_much, groups, monkeypatch
):
    # The rules refuse such a claim: were there another kind, PostgreSQL would.
    monkeypatch.setattr(rules, "MOST_MG", 10**30)
    guilty, others = too_much(), [new_resident() for _ in range(3)]
    answers = at_once([ask(others[0]), ask(others[1], guilty), ask(resident), ask(resident, guilty), ask(others[2])])
    assert [answer.status_code for answer in answers] == [201, 500, 201, 500, 201]
    assert len(groups[-1]) < len(answers) in map(len, groups)
    assert differences(with_actions=True) == []


def test_of_one_residents_requests_only_the_one_that_cannot_be_stored_fails(
    at_once, ask, resident, too_much, groups, monkeypatch
):
    monkeypatch.setattr(rules, "MOST_MG", 10**30)
    answers = at_once([ask(resident), ask(resident, too_much(), "k"), ask(resident)])
    assert [answer.status_code for answer in answers] == [201, 500, 201]
    assert [resident.resident_id] * 3 in groups
    monkeypatch.undo()
    assert ask(resident, too_much(), "k")().status_code == 422
    assert differences(with_actions=True) == []
