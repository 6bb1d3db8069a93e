"""A page of events: each its own outcome, each once."""

import json
import math
from datetime import timedelta

import pytest
from sqlalchemy import text

from backend import clock
from backend.actions import cleaning
from backend.database import db, transaction
from backend.emissions import revision
from backend.verification import verify
from tests.append_only import changeable
from tests.books import differences
from tests.together import together

URL = "/api/v1/partner/events"


def counts(answer):
    return {name: rows for name, rows in answer.items() if name != "results" and rows}


def test_every_event_has_its_own_outcome_in_the_order_given(send, ride, known):
    known("u-1")
    answer = send(
        [
            ride("late", hours_ago=5),
            ride("far", metres=50_001),
            ride("early", hours_ago=9),
            ride("early", hours_ago=3),
            ride("overlapping", hours_ago=8.9),
            ride("fast", hours_ago=2, minutes=1),
            ride("other", subject="u-2"),
        ]
    )
    lines = [(line["external_id"], line["status"], line.get("reason")) for line in answer["results"]]
    assert lines == [
        ("late", "credited", None),
        ("far", "refused", "out-of-range"),
        ("early", "credited", None),
        ("early", "duplicate", "duplicate-action"),
        ("overlapping", "refused", "overlapping-action"),
        ("fast", "refused", "implausible-activity"),
        ("other", "unbound", None),
    ]
    assert answer["results"][0] == {"external_id": "late", "status": "credited", "co2e_g": 190.6, "points": 19}
    assert counts(answer) == {"received": 7, "credited": 2, "duplicate": 1, "refused": 3, "unbound": 1}
    assert differences(with_actions=True) == []


def test_a_page_sent_again_is_all_duplicates_and_changes_nothing(send, ride, known, rows):
    known("u-1")
    page = [ride(f"r{place}", hours_ago=20 - place) for place in range(5)]
    send(page)
    books = rows("SELECT * FROM wallets")
    again = send(page)
    assert counts(again) == {"received": 5, "duplicate": 5}
    assert rows("SELECT * FROM wallets") == books


def test_eight_same_pages_at_the_same_moment_credit_each_event_once(app, ride, known, signed_headers):
    known("u-1", "u-2")
    page = [ride(f"r{place}", subject=f"u-{place % 3}", hours_ago=20 - place) for place in range(12)]
    body = json.dumps({"events": page}).encode()
    post = lambda: app.test_client().post(URL, data=body, headers=signed_headers(body)).get_json()  # noqa: E731
    answers = together(app, [post] * 8)
    assert sum(answer["credited"] for answer in answers) == 8
    assert sum(answer["unbound"] for answer in answers) == 4
    assert sum(answer["duplicate"] for answer in answers) == 7 * 12
    assert differences(with_actions=True) == []


def test_one_external_id_under_two_subjects_counts_once(app, ride, known, signed_headers):
    known("u-1", "u-2")
    bodies = [json.dumps({"events": [ride("same", subject=subject)]}).encode() for subject in ("u-1", "u-2") * 4]
    calls = [
        lambda body=body: app.test_client().post(URL, data=body, headers=signed_headers(body)).get_json()
        for body in bodies
    ]
    assert sorted(answer["results"][0]["status"] for answer in together(app, calls)) == ["credited", *["duplicate"] * 7]


def test_the_page_itself_may_name_one_id_under_two_subjects(send, ride, known):
    known("u-1", "u-2")
    answer = send([ride("same", subject="u-1"), ride("same", subject="u-2")])
    assert sorted(line["status"] for line in answer["results"]) == ["credited", "duplicate"]


def test_points_are_capped_and_grams_are_not(send, ride, known):
    known("u-1")
    answer = send([ride(f"r{place}", hours_ago=30 - 3 * place, minutes=60, metres=9_000) for place in range(3)])
    capped = [line for line in answer["results"] if line["status"] == "capped"]
    assert answer["credited"] + answer["capped"] == 3
    assert all(line["co2e_g"] == 857.7 and line["reason"] == "task_day" for line in capped)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"external_id": None}, "external_id"),
        ({"external_id": 7}, "external_id"),
        ({"external_id": "x" * 201}, "external_id"),
        ({"external_id": "a\x00b"}, "external_id"),
        ({"external_id": "\ud800"}, "external_id"),
        ({"subject": ""}, "subject"),
        ({"task": ["bike_ride"]}, "task"),
        ({"started_at": None}, "started_at"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"started_at": 1}, "started_at"),
        ({"started_at": "2026-11-24T08:00:00"}, "offset from UTC"),
        ({"started_at": "0001-01-01T00:00:00+10:00"}, "started_at"),
        ({"started_at": "9999-12-31T23:00:00Z"}, "started_at"),
        ({"ended_at": True}, "ended_at"),
        ({"activity": []}, "activity"),
        ({"activity": {"unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": "2000", "unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": True, "unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": math.nan, "unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": math.inf, "unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": 10**10, "unit": "m"}}, "activity.quantity"),
        ({"activity": {"quantity": 1, "unit": "m", "of": 1}}, "activity.of"),
        ({"weather": "fine"}, "weather"),
    ],
)
def test_a_broken_event_is_refused_by_itself(client, send, ride, known, change, message):
    known("u-1")
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    answer = send([ride("before", hours_ago=9), {**ride("broken"), **change}, ride("after", hours_ago=5)])
    assert [line["status"] for line in answer["results"]] == ["credited", "refused", "credited"]
    assert answer["results"][1]["reason"] == "validation-failed"
    assert message in answer["results"][1]["message"]


@pytest.mark.parametrize("event", [None, 5, "text", [], {}])
def test_what_is_no_event_at_all_is_refused_by_itself(send, ride, known, event):
    known("u-1")
    answer = send([event, ride("good")])
    assert [line["status"] for line in answer["results"]] == ["refused", "credited"]
    assert answer["results"][0]["external_id"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "fly"}, "unknown-task"),
        ({"task": "metro_ride"}, "task-not-allowed"),
        ({"ended_at": None}, "duration-missing"),
        ({"activity": None}, "quantity-missing"),
        ({"activity": {"quantity": 2, "unit": "km"}}, "wrong-unit"),
        ({"activity": {"quantity": -2000, "unit": "m"}}, "out-of-range"),
        ({"activity": {"quantity": 299.999, "unit": "m"}}, "out-of-range"),
        ({"started_at": "2020-01-01T00:00:00Z", "ended_at": "2020-01-01T00:15:00Z"}, "too-old"),
        ({"started_at": "1900-01-01T00:00:00Z", "ended_at": "1900-01-01T00:15:00Z"}, "too-old"),
        ({"started_at": "2999-12-31T23:00:00Z", "ended_at": "2999-12-31T23:15:00Z"}, "in-the-future"),
    ],
)
@pytest.mark.parametrize("subject", ["u-1", "nobody-yet"])
def test_the_rules_refuse_by_name_whether_bound_or_not(send, ride, known, change, reason, subject):
    known("u-1")
    (line,) = send([{**ride("one", subject=subject), **change}])["results"]
    assert (line["status"], line["reason"]) == ("refused", reason)


def test_no_setting_takes_what_is_older_than_ten_years(send, ride, known, rows):
    known("u-1")
    rows("UPDATE partners SET max_event_age_days = 36600 RETURNING 1")
    with transaction(), changeable("emission_factors"):
        db.session.execute(text("UPDATE emission_factors SET valid_from = '1990-01-01'"))
        revision.changed()
    db.session.expire_all()  # the rows were changed past it
    events = [ride("within", hours_ago=24 * 3_660 - 1), ride("beyond", hours_ago=24 * 3_660 + 1)]
    lines = [(line["status"], line.get("reason")) for line in send(events)["results"]]
    assert lines == [("credited", None), ("refused", "too-old")]
    assert list(verify()) == []


def test_the_quantity_is_kept_to_the_thousandth(send, ride, known, rows):
    known("u-1")
    send([ride("exact", metres=1867.6789)])
    assert [str(row[0]) for row in rows("SELECT quantity FROM actions")] == ["1867.678"]


def test_a_refused_event_may_come_again_corrected(send, ride, known):
    known("u-1")
    assert send([ride("again", metres=1)])["refused"] == 1
    assert send([ride("again")])["credited"] == 1


@pytest.mark.parametrize("ended_at", ["2999-12-31T23:59:59-12:00", "1900-01-01T00:00:00+12:00"])
def test_what_is_kept_for_later_can_be_read_later(send, ride, known, ended_at):
    # In UTC it is another year, beyond those that an event may name.
    (line,) = send([ride("edge", subject="late-comer", ended_at=ended_at)])["results"]
    assert (line["status"], line["reason"]) == ("refused", "validation-failed")


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e-99999999999999999999", "NaN", "9e400"])
def test_a_number_beyond_all_bounds_refuses_its_event_alone(client, signed_headers, ride, known, number):
    known("u-1")
    page = json.dumps({"events": [ride("sound"), ride("absurd", metres=12345)]})
    body = page.replace("12345", number).encode()
    answer = client.post(URL, data=body, headers=signed_headers(body))
    assert [(line["status"], line.get("reason")) for line in answer.json["results"]] == [
        ("credited", None),
        ("refused", "validation-failed"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"events": [\xff]}', 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"events": {}}', 422),
        (b'{"events": [], "more": 1}', 422),
        (b'{"events": [' + b"0," * 5000 + b"0]}", 422),
    ],
)
def test_what_is_no_page_is_refused_whole(client, signed_headers, body, status):
    answer = client.post(URL, data=body, headers=signed_headers(body))
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"


def test_five_thousand_events_with_long_ids_fit_and_ten_megabytes_do_not(client, send, ride, signed_headers):
    long = [ride("x" * 190 + str(place), subject="y" * 190 + str(place)) for place in range(5_000)]
    assert send(long)["unbound"] == 5_000
    body = b" " * 10_000_000
    answer = client.post(URL, data=body, headers=signed_headers(body))
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_a_ride_that_was_declared_before_counts_once(client, send, ride, resident, headers, bind):
    bind(resident, "u-1")
    event = ride("same", hours_ago=5)
    declared = {
        "task": "bike_ride",
        "occurred_at": event["ended_at"],
        "started_at": event["started_at"],
        "activity": event["activity"],
    }
    assert client.post("/api/v1/actions", json=declared, headers=headers(resident)).get_json()["points"] == 9
    assert send([event])["results"][0]["points"] == 19
    assert differences(with_actions=True) == []
    wallet = db.session.execute(text("SELECT balance, co2e_mg, actions FROM wallets")).one()
    assert tuple(wallet) == (19, 190_600, 1)
    shown = client.get("/api/v1/actions", headers=headers(resident)).get_json()["items"]
    assert [(one["status"], one.get("reason")) for one in shown] == [
        ("credited", None),
        ("reversed", "replaced-by-partner"),
    ]


def test_events_that_nobody_has_bound_in_thirty_days_are_forgotten(app, send, ride, rows):
    send([ride("oldest"), ride("old", hours_ago=15), ride("new", hours_ago=5)])
    for name, days in (("oldest", 40), ("old", 31), ("new", 29)):
        at = clock.now() - timedelta(days=days)
        rows("UPDATE external_events SET received_at = :at WHERE external_id = :name RETURNING 1", at=at, name=name)
    found = []
    for _ in range(3):
        with transaction():
            gone = cleaning.forget_unbound(now=clock.now(), limit=1)
        found.append((gone, rows("SELECT external_id FROM external_events ORDER BY received_at")))
    assert found == [(1, [("old",), ("new",)]), (1, [("new",)]), (0, [("new",)])]


def test_an_old_event_that_is_just_being_bound_is_left_to_who_binds_it(app, send, ride, rows):
    send([ride("taken"), ride("left", hours_ago=5, subject="u-2")])
    at = clock.now() - timedelta(days=31)
    rows("UPDATE external_events SET received_at = :at RETURNING 1", at=at)
    with db.engine.begin() as binding:
        binding.execute(text("SELECT FROM external_events WHERE external_id = 'taken' FOR UPDATE"))
        with transaction():
            assert cleaning.forget_unbound(now=clock.now(), limit=9) == 1
    assert rows("SELECT external_id FROM external_events") == [("taken",)]
