"""Bindings: whose a partner's subject is, and what waited for it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from backend import clock
from backend.actions import binding, partner_feed
from backend.actions.events import read_event
from backend.database import db, transaction
from backend.partners import bindings, proofs
from backend.partners import service as partners
from backend.residents import consents
from tests.actions.holding import PATIENCE_S, somebody_else, until
from tests.books import differences
from tests.contract.described import assert_described
from tests.together import together

URL = "/api/v1/me/bindings"


def test_what_waited_is_credited_when_its_subject_binds(send, ride, resident, bind, rows):
    assert send([ride("a", hours_ago=9), ride("b", hours_ago=5), ride("c", hours_ago=4.9)])["unbound"] == 3
    bound = bind(resident, "u-1")
    assert (bound["partner"], bound["subject"]) == ("bikes", "u-1")
    assert (bound["credited"], bound["refused"], bound["co2e_g"], bound["points"]) == (2, 1, 381.2, 38)
    assert rows("SELECT balance FROM wallets") == [(38,)]
    assert rows("SELECT external_id FROM external_events WHERE resident_id IS NULL") == []
    assert differences(with_actions=True) == []
    assert send([ride("a", hours_ago=9)])["duplicate"] == 1
    assert send([ride("d", hours_ago=2)])["credited"] == 1


def test_binding_again_changes_nothing_and_somebody_else_is_told(new_resident, send, ride, bind):
    send([ride("a")])
    mine, other = new_resident("mine"), new_resident("other")
    first = bind(mine, "u-1")
    again = bind(mine, "u-1")
    assert (again["bound_at"], again["credited"]) == (first["bound_at"], 0)
    assert bind(other, "u-1", status=409)["type"] == "already-bound"


def test_what_waited_longer_than_thirty_days_is_not_credited(resident, send, ride, bind, rows):
    send([ride("old", hours_ago=9), ride("new", hours_ago=5)])
    month_ago = clock.now() - timedelta(days=31)
    rows("UPDATE external_events SET received_at = :at WHERE external_id = 'old' RETURNING 1", at=month_ago)
    assert bind(resident, "u-1")["credited"] == 1
    assert rows("SELECT external_id FROM external_events") == [("new",)]


@pytest.mark.parametrize(("came_first", "credited"), [(None, "a"), ("b", "b")])
def test_of_what_began_at_one_moment_the_first_to_come_in_counts(
    resident, send, ride, bind, rows, came_first, credited
):
    one = ride("b")
    send([one, {**one, "external_id": "c"}, {**one, "external_id": "a"}])
    earlier = (
        "UPDATE external_events SET received_at = received_at - interval '1 s' WHERE external_id = :id RETURNING 1"
    )
    assert len(rows(earlier, id=came_first)) == (came_first is not None)
    bound = bind(resident, "u-1")
    assert (bound["credited"], bound["refused"]) == (1, 2)
    assert rows("SELECT external_id FROM external_events") == [(credited,)]


def test_waiting_does_not_make_an_event_too_old(resident, send, ride, bind, rows):
    send([ride("a", hours_ago=24 * 365.9)])
    rows("UPDATE external_events SET received_at = received_at - interval '29 days' RETURNING 1")
    rows("UPDATE partners SET max_event_age_days = 340 RETURNING 1")
    db.session.expire_all()  # the rows were changed past it
    assert bind(resident, "u-1")["credited"] == 1


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("nonsense", "<expires>.<signature>"),
        ("12.", "has ended"),
        ("٣٣٣.aa", "<expires>.<signature>"),
        ("9" * 13 + ".aa", "<expires>.<signature>"),
        ("999999999999.aa", "at most 600"),
    ],
)
def test_a_proof_that_does_not_hold_is_told_why(client, resident, bind, given, detail):
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    problem = bind(resident, "u-1", proof=given, status=422)
    assert problem["type"] == "invalid-proof"
    assert detail in problem["detail"]


@pytest.mark.parametrize(("ahead", "status"), [(-2, 422), (5, 201), (598, 201), (605, 422)])
def test_a_proof_is_good_for_ten_minutes_at_most(resident, bind, proof, ahead, status):
    bind(resident, "u-1", proof=proof("u-1", ahead), status=status)


def test_a_proof_for_another_subject_or_by_another_secret_is_refused(resident, bind, proof):
    assert bind(resident, "u-1", proof=proof("u-2"), status=422)["type"] == "invalid-proof"
    forged = proofs.prove("u-1", secret="guessed", expires=int(clock.now().timestamp()) + 60)
    assert bind(resident, "u-1", proof=forged, status=422)["type"] == "invalid-proof"


def test_an_unknown_partner_is_not_found(client, resident, headers, proof):
    wanted = {"partner": "trams", "subject": "u-1", "proof": proof("u-1")}
    assert client.post(URL, json=wanted, headers=headers(resident)).status_code == 404
    assert client.delete(f"{URL}/trams", headers=headers(resident)).status_code == 404


def test_bindings_are_listed_and_undone(client, resident, headers, send, ride, bind):
    bind(resident, "u-1")
    listed = client.get(URL, headers=headers(resident)).get_json()
    assert [(item["partner"], item["subject"]) for item in listed["items"]] == [("bikes", "u-1")]
    assert client.delete(f"{URL}/bikes", headers=headers(resident)).status_code == 204
    assert client.get(URL, headers=headers(resident)).get_json()["items"] == []
    assert send([ride("later")])["unbound"] == 1
    assert bind(resident, "u-1")["credited"] == 1


def test_binding_while_pages_arrive_loses_and_doubles_nothing(app, resident, headers, proof, ride, signed_headers):
    pages = [[ride(f"{page}-{place}", hours_ago=300 - 25 * page - place) for place in range(4)] for page in range(10)]
    bodies = [json.dumps({"events": page}).encode() for page in pages]

    def post(body):
        answer = app.test_client().post("/api/v1/partner/events", data=body, headers=signed_headers(body))
        return answer.get_json()["credited"] + answer.get_json()["capped"]

    def bind():
        wanted = {"partner": "bikes", "subject": "u-1", "proof": proof("u-1")}
        return app.test_client().post(URL, json=wanted, headers=headers(resident)).get_json()["credited"]

    calls = [lambda body=body: post(body) for body in bodies[:5]] + [bind]
    calls += [lambda body=body: post(body) for body in bodies[5:]]
    assert sum(together(app, calls)) == 40
    assert differences(with_actions=True) == []


def test_two_residents_who_bind_one_subject_at_the_same_moment_are_one_winner(app, new_resident, headers, proof):
    residents = [new_resident(f"r{number}") for number in range(6)]
    wanted = {"partner": "bikes", "subject": "u-1", "proof": proof("u-1")}
    calls = [
        lambda resident=resident: app.test_client().post(URL, json=wanted, headers=headers(resident)).status_code
        for resident in residents
    ]
    assert sorted(together(app, calls)) == [201, *[409] * 5]


def test_a_page_that_looked_the_binding_up_before_it_was_undone_credits_nothing(
    app, resident, bind, bikes, ride, rows, monkeypatch
):
    bind(resident, "u-1")
    looked_up, undone = Event(), Event()
    usual = bindings.owners_of

    def look_and_wait(*given, **more):
        owners = usual(*given, **more)
        looked_up.set()
        assert undone.wait(10)
        return owners

    monkeypatch.setattr(bindings, "owners_of", look_and_wait)

    def page():
        with transaction():
            return partner_feed.credit_events(bikes.row, [read_event(ride("a"))], now=clock.now())

    def undo():
        assert looked_up.wait(10)
        with transaction():
            binding.unbind(resident_id=resident.resident_id, partner_code="bikes", now=clock.now())
        undone.set()

    (result,), _ = together(app, [page, undo])
    assert result.status == "unbound"
    assert rows("SELECT actions FROM wallets") == [(0,)]


def test_who_unbinds_while_a_page_is_credited_waits_until_it_is(app, resident, bind, bikes, ride, monkeypatch):
    bind(resident, "u-1")
    usual, undoing = bindings.still_hold, []

    def undo():
        with app.app_context(), transaction():
            binding.unbind(resident_id=resident.resident_id, partner_code="bikes", now=clock.now())

    def waits():
        return other.execute("SELECT FROM pg_stat_activity WHERE pg_blocking_pids(pid) <> '{}'").fetchone() is not None

    def look_and_undo(*given, **more):
        undoing.append(pool.submit(undo))
        until(lambda: undoing[0].done() or waits())
        assert not undoing[0].done()
        return usual(*given, **more)

    monkeypatch.setattr(bindings, "still_hold", look_and_undo)
    with ThreadPoolExecutor(1) as pool, somebody_else() as other:
        other.autocommit = True
        with transaction():
            (result,) = partner_feed.credit_events(bikes.row, [read_event(ride("a"))], now=clock.now())
        undoing[0].result(PATIENCE_S)
    assert result.status == "credited"


def test_what_is_bound_at_a_partner_that_is_no_longer_active_can_be_undone(client, resident, headers, bind, rows):
    bind(resident, "u-1")
    with transaction():
        partners.find("bikes").active = False
    sign = headers(resident)
    assert [item["partner"] for item in client.get(URL, headers=sign).json["items"]] == ["bikes"]
    assert client.delete(f"{URL}/bikes", headers=sign).status_code == 204
    assert client.get(URL, headers=sign).json["items"] == []
    assert client.delete(f"{URL}/no_such_partner", headers=sign).status_code == 404
    bind(resident, "u-1", status=404)


def test_a_frozen_resident_binds_nothing(client, resident, headers, proof, rows):
    rows("UPDATE wallets SET frozen = true RETURNING 1")
    wanted = {"partner": "bikes", "subject": "u-1", "proof": proof("u-1")}
    answer = client.post(URL, json=wanted, headers=headers(resident))
    assert (answer.status_code, answer.json["type"]) == (403, "resident-frozen")
    assert_described(answer, method="post", path=URL)
    assert rows("SELECT resident_id FROM bindings") == []
    assert rows("SELECT purpose FROM consents") == []


CONSENTS = "SELECT purpose, version, withdrawn_at IS NULL FROM consents ORDER BY given_at"


def test_binding_is_a_consent_of_its_own_and_unbinding_withdraws_it(client, resident, headers, bind, rows):
    bind(resident, "u-1")
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", True)]
    assert client.delete(f"{URL}/bikes", headers=headers(resident)).status_code == 204
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", False)]
    bind(resident, "u-1")
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", False), ("partner:bikes", "2026-11", True)]
    exported = client.get("/api/v1/me/export", headers=headers(resident)).json["consents"]
    assert [(consent["purpose"], consent["withdrawn_at"] is None) for consent in exported] == [
        ("partner:bikes", False),
        ("partner:bikes", True),
    ]


def test_one_consent_is_enough_for_several_accounts_at_a_partner(resident, bind, rows):
    for subject in ("u-1", "u-2", "u-1"):
        bind(resident, subject)
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", True)]


def test_who_binds_under_another_text_consents_to_that_one_too(client, resident, headers, bind, rows, monkeypatch):
    bind(resident, "u-1")
    monkeypatch.setattr(consents, "VERSION", "2027-03")
    bind(resident, "u-1")
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", True), ("partner:bikes", "2027-03", True)]
    client.delete(f"{URL}/bikes", headers=headers(resident))
    assert [stands for _, _, stands in rows(CONSENTS)] == [False, False]


def test_a_consent_concerns_nobody_and_nothing_else(client, new_resident, headers, bind, rows):
    mine, other = new_resident("mine"), new_resident("other")
    bind(mine, "u-1")
    bind(other, "u-2")
    consenting = {"leaderboard_consent": True}
    assert client.patch("/api/v1/me", json=consenting, headers=headers(mine)).status_code == 200
    client.delete(f"{URL}/bikes", headers=headers(mine))
    standing = rows("SELECT resident_id, purpose FROM consents WHERE withdrawn_at IS NULL ORDER BY purpose")
    assert standing == [(mine.resident_id, "leaderboard"), (other.resident_id, "partner:bikes")]


def test_who_leaves_withdraws_it(client, resident, headers, bind, rows):
    bind(resident, "u-1")
    assert client.delete("/api/v1/me", headers=headers(resident)).status_code == 204
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", False)]


def test_an_account_that_is_bound_while_others_are_unbound_keeps_the_consent(
    app, resident, bind, proof, rows, monkeypatch
):
    bind(resident, "u-1")
    usual = bindings.lock_of_resident
    wanted = {"resident_id": resident.resident_id, "partner_code": "bikes", "subject": "u-2", "proof": proof("u-2")}

    def bind_another():
        with transaction():
            binding.bind(**wanted, now=clock.now())

    def lock_and_then(*given, **more):
        held = usual(*given, **more)
        together(app, [bind_another])
        return held

    monkeypatch.setattr(bindings, "lock_of_resident", lock_and_then)
    with transaction():
        binding.unbind(resident_id=resident.resident_id, partner_code="bikes", now=clock.now())
    assert rows("SELECT subject FROM bindings WHERE resident_id IS NOT NULL") == [("u-2",)]
    assert rows(CONSENTS) == [("partner:bikes", "2026-11", True)]
