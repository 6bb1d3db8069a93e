"""The WeChat client, against the stand-in and against servers that misbehave."""

import base64
import json
import logging
import socket
from contextlib import suppress
from http import HTTPStatus

import httpx
import pytest
import redis
from structlog.testing import capture_logs
from werkzeug.wrappers import Response

from backend.errors import RefusalError, UpstreamUnavailableError
from backend.residents import wechat_sandbox
from backend.residents.wechat import InvalidCodeError, WeChatClient, WeChatSession

KEY = base64.b64encode(bytes(range(16))).decode()


@pytest.fixture
def connect(mini_program):
    """connect(application, **changes) → a client of that WSGI application."""
    clients = []

    def make(application, **changes):
        settings = {"base_url": "http://wechat.invalid", **mini_program, **changes}
        transport = httpx.WSGITransport(app=application) if application else None
        clients.append(WeChatClient(**settings, transport=transport))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def wechat(connect, sandbox):
    return connect(sandbox)


class Interrupted(redis.Redis):
    """A Redis client that lets somebody else act once, right after its first command."""

    interrupt = None

    def execute_command(self, *args, **options):
        answer = super().execute_command(*args, **options)
        interrupt, self.interrupt = self.interrupt, None
        if interrupt:
            interrupt()
        return answer


class Scripted:
    """A server that gives the prepared answers in turn, and remembers how often it was asked."""

    def __init__(self, *answers, status=200, **headers):
        self.answers, self.status, self.headers = list(answers), status, headers
        self.asked = 0

    def __call__(self, environ, start_response):
        body = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Response(data, status=self.status, headers=self.headers)(environ, start_response)


def test_a_development_code_signs_in_as_the_same_person_again_and_again(wechat, mini_program):
    first, second = wechat.code_to_session("dev-lihua"), wechat.code_to_session("dev-lihua")
    assert first == second
    assert first == WeChatSession(
        wechat_sandbox.openid_of("lihua", app_id=mini_program["app_id"]),
        wechat_sandbox.session_key_of(first.openid, secret=mini_program["secret"]),
    )
    assert len(first.openid) == 28
    assert len(base64.b64decode(first.session_key)) == 16


def test_two_development_codes_are_two_people(wechat):
    one, other = wechat.code_to_session("dev-lihua"), wechat.code_to_session("dev-Lihua")
    assert one.openid != other.openid
    assert one.session_key != other.session_key


def test_a_code_works_once(wechat, new_code):
    code = new_code(name="lihua")
    assert wechat.code_to_session(code) == wechat.code_to_session("dev-lihua")
    with pytest.raises(InvalidCodeError):
        wechat.code_to_session(code)


def test_a_code_can_be_had_for_an_openid_and_for_a_stranger(wechat, new_code):
    assert wechat.code_to_session(new_code(openid="o-given")).openid == "o-given"
    strangers = {wechat.code_to_session(new_code()).openid for _ in range(2)}
    assert len(strangers) == 2


def test_of_two_uses_of_a_code_at_the_same_moment_one_succeeds(connect, wechat, store, new_code, mini_program):
    code, sessions = new_code(name="lihua"), []

    def sign_in(client):
        with suppress(InvalidCodeError):
            sessions.append(client.code_to_session(code))

    slow = Interrupted(connection_pool=store.connection_pool)
    slow.interrupt = lambda: sign_in(wechat)
    sign_in(connect(wechat_sandbox.create_sandbox(slow, **mini_program)))
    assert slow.interrupt is None
    assert len(sessions) == 1


@pytest.mark.parametrize("code", ["unknown", "dev-", "dev-a b", "dev-" + "a" * 41])
def test_an_unknown_code_is_invalid(wechat, code):
    with pytest.raises(InvalidCodeError) as refusal:
        wechat.code_to_session(code)
    assert (refusal.value.status, refusal.value.slug) == (HTTPStatus.UNAUTHORIZED, "invalid-code")


def test_a_code_of_256_characters_is_still_asked_about(connect):
    assert connect(Scripted({"openid": "o1", "session_key": KEY})).code_to_session("x" * 256).openid == "o1"


def test_the_longest_development_name_has_forty_characters(wechat):
    assert wechat.code_to_session("dev-" + "a" * 40).openid


@pytest.mark.parametrize("code", ["", "x" * 257, "\u6797", "\ud800"])
def test_what_cannot_be_a_code_is_refused_without_asking(connect, code):
    server = Scripted({"openid": "o1", "session_key": KEY})
    with pytest.raises(InvalidCodeError):
        connect(server).code_to_session(code)
    assert server.asked == 0


def test_a_blocked_account_gets_its_own_sentence(wechat):
    with pytest.raises(InvalidCodeError) as refusal:
        wechat.code_to_session("dev-blocked")
    assert "blocked" in str(refusal.value.detail)


def test_a_busy_wechat_is_asked_once_more_and_then_given_up(connect, sandbox):
    asked = []

    def counting(environ, start_response):
        asked.append(environ["PATH_INFO"])
        return sandbox(environ, start_response)

    with pytest.raises(UpstreamUnavailableError):
        connect(counting).code_to_session("dev-busy")
    assert len(asked) == 2


def test_a_wechat_that_was_busy_for_a_moment_goes_unnoticed(connect):
    server = Scripted({"errcode": -1, "errmsg": "system error"}, {"openid": "o1", "session_key": KEY})
    assert connect(server).code_to_session("c").openid == "o1"


def test_the_rate_limit_of_wechat_says_when_to_come_back(wechat):
    with pytest.raises(UpstreamUnavailableError) as refusal:
        wechat.code_to_session("dev-rate")
    assert refusal.value.extensions == {"retry_after": 60}


@pytest.mark.parametrize(
    ("changes", "errcode", "setting"),
    [({"app_id": "wx-other"}, 40013, "WECHAT_APP_ID"), ({"secret": "other"}, 40125, "WECHAT_SECRET")],
)
def test_a_wrong_setting_is_unavailable_to_residents_and_named_to_operators(
    connect, sandbox, changes, errcode, setting
):
    with capture_logs() as logs, pytest.raises(UpstreamUnavailableError) as refusal:
        connect(sandbox, **changes).code_to_session("dev-lihua")
    assert refusal.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert [(line["log_level"], line["errcode"]) for line in logs] == [("error", errcode)]
    assert setting in logs[0]["cure"]


@pytest.mark.parametrize(
    "server",
    [
        Scripted({"openid": "o1", "session_key": KEY}, status=500),
        Scripted({"openid": "o1", "session_key": KEY}, status=404),
        Scripted({}, status=302, Location="/elsewhere"),
        Scripted(b"<html>maintenance</html>"),
        Scripted(b'{"openid": "\xff"}'),
        Scripted(b""),
        Scripted(b"[" * 100_000),
        Scripted([]),
        Scripted({"errcode": "40029"}),
        Scripted({"errcode": [40029]}),
        Scripted({"errcode": 99999, "errmsg": "news"}),
        Scripted({}),
        Scripted({"openid": "o1"}),
        Scripted({"openid": "", "session_key": KEY}),
        Scripted({"openid": 1, "session_key": KEY}),
    ],
)
def test_an_answer_without_sense_is_unavailable_and_asked_for_once(connect, server):
    server.asked = 0
    with pytest.raises(UpstreamUnavailableError):
        connect(server).code_to_session("c")
    assert server.asked == 1


def test_a_server_that_never_answers_is_unavailable(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UpstreamUnavailableError):
            connect(None, base_url=address, timeout_s=0.1).code_to_session("c")


def test_a_server_that_is_not_there_is_unavailable(connect):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(UpstreamUnavailableError):
        connect(None, base_url=address).code_to_session("c")


def test_without_redis_the_stand_in_is_busy_but_development_codes_work(connect, mini_program):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        absent = redis.Redis(port=gone.getsockname()[1], retry=None, decode_responses=True)
    wechat = connect(wechat_sandbox.create_sandbox(absent, **mini_program))
    assert wechat.code_to_session("dev-lihua").openid
    with pytest.raises(UpstreamUnavailableError):
        wechat.code_to_session("0code")
    absent.close()


def test_neither_secret_nor_session_key_is_ever_shown(connect, sandbox, mini_program, caplog):
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        session = connect(sandbox).code_to_session("dev-lihua")
        for code, server in (("unknown", sandbox), ("dev-rate", sandbox), ("c", Scripted({}, status=500))):
            with pytest.raises(RefusalError) as refusal:
                connect(server).code_to_session(code)
            assert mini_program["secret"] not in repr(refusal.value)
    shown = caplog.text + repr(logs) + repr(session) + str(session)
    assert session.openid in shown
    assert mini_program["secret"] not in shown
    assert session.session_key not in shown
