"""How often a caller may ask."""

from datetime import timedelta

import pytest
import redis as redis_library
import time_machine

from backend import clock, redis
from backend.config import Limit, Settings, SettingsError
from backend.database import db, transaction
from backend.residents import tokens
from backend.web import limits
from backend.web.limits import Limiter, RateLimitedError
from tests.conftest import PASSWORD
from tests.together import together


def use_up(limiter, caller, *, now=0.0):
    """Requests until the first refusal."""
    done = 0
    while True:
        try:
            limiter.hit(caller, now=now)
        except RateLimitedError:
            return done
        done += 1


@pytest.mark.parametrize("amount", [1, 7, 8, 9, 100])
def test_exactly_as_many_requests_are_let_through_as_the_limit_says(app, amount):
    assert use_up(Limiter(Limit(amount, 60)), "one") == amount


def test_the_next_window_starts_afresh(app):
    limiter = Limiter(Limit(5, 60))
    assert use_up(limiter, "one", now=59.9) == 5
    assert use_up(limiter, "one", now=60.0) == 5


def test_callers_are_counted_apart(app):
    limiter = Limiter(Limit(5, 60))
    assert use_up(limiter, "one") == 5
    assert use_up(limiter, "two") == 5


def test_two_processes_share_the_limit_but_for_their_first_part(app):
    first, second = Limiter(Limit(80, 60)), Limiter(Limit(80, 60))
    assert use_up(first, "one") == 80
    assert use_up(second, "one") <= 80 // limits.UNSHARED


def test_an_ordinary_caller_costs_no_round_trip(app):
    limiter = Limiter(Limit(80, 60))
    for _ in range(80 // limits.UNSHARED):
        limiter.hit("one", now=0.0)
    assert redis.client().keys("tanhui:limit:*") == []


def test_a_refused_caller_costs_no_round_trip(app, monkeypatch):
    limiter = Limiter(Limit(5, 60))
    use_up(limiter, "one")
    before = redis.client().get(redis.LIMIT.format(window=0, caller="one"))
    with pytest.raises(RateLimitedError):
        limiter.hit("one", now=1.0)
    assert redis.client().get(redis.LIMIT.format(window=0, caller="one")) == before


def test_threads_at_once_are_let_through_exactly_as_often_as_the_limit_says(app, monkeypatch):
    monkeypatch.setattr(limits, "UNSHARED", 1000)
    limiter = Limiter(Limit(100, 3600))
    assert sum(together(app, [lambda: use_up(limiter, "one")] * 8)) == 100


def test_without_redis_each_process_goes_on_by_itself(app, monkeypatch):
    gone = redis_library.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setitem(app.extensions, "redis", gone)
    assert use_up(Limiter(Limit(20, 60)), "one") == 20


def test_made_up_callers_do_not_fill_the_memory(app, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CALLERS", 10)
    limiter = Limiter(Limit(80, 60))
    for number in range(100):
        limiter.hit(str(number), now=0.0)
    assert len(limiter._tallies) <= 10


@pytest.mark.parametrize("text", ["", "120", "0/minute", "120/day", "-1/minute", "1.5/second", "120 / minute"])
def test_a_limit_that_is_not_understood_tells_the_cure(text):
    with pytest.raises(ValueError, match="120/minute"):
        Limit.of(text)


def test_a_limit_that_is_not_understood_is_refused_with_its_name():
    with pytest.raises(SettingsError, match=r"RATE_LIMIT='often' is not understood: write it as 120/minute"):
        Settings.from_environment({"RATE_LIMIT": "often"})


def test_a_limit_is_read_as_it_is_written():
    assert Limit.of("90/hour") == Limit(90, 3600)


@pytest.fixture
def strict(app, monkeypatch):
    monkeypatch.setitem(app.extensions, "limiter", Limiter(Limit(3, 60)))
    with time_machine.travel(1_800_000_000, tick=False):  # else a new window may start between two requests
        yield


def test_over_the_limit_the_answer_says_when_to_come_back(client, resident, headers, strict):
    answers = [client.get("/api/v1/me", headers=headers(resident)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers.get("X-RateLimit-Remaining") for answer in answers[:3]] == ["2", "1", "0"]
    assert answers[3].json["type"] == "rate-limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60


def test_residents_behind_one_gateway_are_counted_apart(client, new_resident, headers, strict):
    for name in ("one", "two"):
        mine = headers(new_resident(name))
        assert [client.get("/api/v1/me", headers=mine).status_code for _ in range(3)] == [200] * 3


def test_signing_in_again_does_not_start_the_limit_afresh(client, resident, strict, settings):
    def token(days):
        return tokens.encode(
            resident_id=resident.resident_id,
            epoch=0,
            expires_at=clock.now() + timedelta(days=days),
            secret=settings.secret_key,
        )

    answers = [client.get("/api/v1/me", headers={"Authorization": f"Bearer {token(n)}"}) for n in range(1, 5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_a_token_that_was_ended_does_not_use_up_the_limit_of_who_has_a_new_one(client, resident, headers, strict):
    old = headers(resident)
    with transaction():
        resident.token_epoch += 1
        db.session.add(resident)
    assert [client.get("/api/v1/me", headers=old).status_code for _ in range(4)] == [401, 401, 401, 429]
    assert client.get("/api/v1/me", headers=headers(resident)).status_code == 200


def test_admins_behind_one_gateway_are_counted_apart(client, admin_headers, strict):
    for role in ("operator", "reviewer"):
        mine = admin_headers(role)
        statuses = [client.get("/api/v1/admin/me", headers=mine).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


MADE_UP = ["{}", "Bearer {}", "Bearer a.b.{}", "Basic {}", "Bearer é{}"]


@pytest.mark.parametrize("header", MADE_UP)
@pytest.mark.parametrize("path", ["public/totals", "me", "admin/me", "nowhere"])
def test_what_proves_nothing_counts_by_address(client, strict, monkeypatch, path, header):
    monkeypatch.setattr(limits, "PEOPLE_AT_AN_ADDRESS", 2)

    def ask(number, **more):
        return client.get(f"/api/v1/{path}", headers={"Authorization": header.format(number)}, **more).status_code

    statuses = [ask(number) for number in range(8)]
    assert 429 not in statuses[:6]
    assert statuses[6:] == [429, 429]
    assert client.get(f"/api/v1/{path}").status_code == 429, "with and without one, it is one address"
    assert ask(0, environ_base={"REMOTE_ADDR": "192.0.2.1"}) != 429


def test_a_token_whose_end_has_come_counts_by_address(client, resident, headers, strict, monkeypatch):
    monkeypatch.setattr(limits, "PEOPLE_AT_AN_ADDRESS", 1)
    old = headers(resident)
    with time_machine.travel(clock.now() + timedelta(days=30), tick=False):
        assert [client.get("/api/v1/me", headers=old).status_code for _ in range(4)] == [401, 401, 401, 429]
        assert client.get("/api/v1/me").status_code == 429


def test_made_up_tokens_are_not_remembered_as_callers(app, client, strict, monkeypatch):
    monkeypatch.setattr(limits, "PEOPLE_AT_AN_ADDRESS", 100)
    for number in range(20):
        client.get("/api/v1/public/totals", headers={"Authorization": f"Bearer {number}"})
    assert len(app.extensions["limiter"]._tallies) == 1


@pytest.mark.parametrize("header", [None, *MADE_UP])
def test_admins_signing_in_is_held_to_the_limit_by_address(client, strict, header):
    def sign_in(number, address="192.0.2.1"):
        given = {"username": f"x{number}", "password": "a password of nobody's"}
        headers = {"Authorization": header.format(number)} if header else {}
        environ = {"REMOTE_ADDR": address}
        return client.post("/api/v1/admin/auth", json=given, headers=headers, environ_base=environ).status_code

    assert [sign_in(number) for number in range(4)] == [401, 401, 401, 429]
    assert sign_in(4, "192.0.2.2") == 401


def test_residents_who_sign_in_leave_admins_at_their_address_their_own_limit(client, strict, new_admin):
    new_admin("owner")
    assert [client.post("/api/v1/auth/wechat", json={"code": "x"}).status_code for _ in range(4)][-1] == 429
    assert client.post("/api/v1/admin/auth", json={"username": "owner", "password": PASSWORD}).status_code == 200


def test_signing_in_is_held_to_the_limit_by_address(client, strict):
    def sign_in(address):
        environ = {"REMOTE_ADDR": address}
        return client.post("/api/v1/auth/wechat", json={"code": "x"}, environ_base=environ).status_code

    assert [sign_in("192.0.2.1") for _ in range(4)] == [401, 401, 401, 429]
    assert sign_in("192.0.2.2") == 401


def test_an_ipv4_address_is_the_same_one_where_it_is_written_as_ipv6(client, strict):
    def sign_in(address):
        environ = {"REMOTE_ADDR": address}
        return client.post("/api/v1/auth/wechat", json={"code": "x"}, environ_base=environ).status_code

    mine = ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "::FFFF:192.0.2.1")
    assert [sign_in(address) for address in mine] == [401, 401, 401, 429]
    assert sign_in("::ffff:192.0.2.2") == 401


def test_one_ipv6_network_is_one_address(client, strict):
    def sign_in(address):
        environ = {"REMOTE_ADDR": address}
        return client.post("/api/v1/auth/wechat", json={"code": "x"}, environ_base=environ).status_code

    assert [sign_in(f"2001:db8:0:1::{n}") for n in range(1, 5)] == [401, 401, 401, 429]
    assert sign_in("2001:db8:0:2::1") == 401


def test_health_and_metrics_are_not_counted(client, strict):
    assert {client.get("/healthz").status_code for _ in range(50)} == {200}
