"""The stand-in of WeChat, as anything but our client sees it."""

from http import HTTPStatus

import pytest

from backend.redis import WECHAT_CODE


@pytest.fixture
def ask(http, mini_program):
    """ask(js_code=…, …) → the answer to a request that is right but for what is given."""
    right = {
        "appid": mini_program["app_id"],
        "secret": mini_program["secret"],
        "grant_type": "authorization_code",
    }
    return lambda **query: http.get("/sns/jscode2session", params={**right, **query})


@pytest.mark.parametrize(
    ("query", "errcode", "errmsg"),
    [
        ({"appid": "", "js_code": "dev-a"}, 41002, "appid missing"),
        ({"secret": "", "js_code": "dev-a"}, 41004, "appsecret missing"),
        ({}, 41008, "missing code"),
        ({"grant_type": "password", "js_code": "dev-a"}, 40002, "invalid grant_type"),
        ({"appid": "wx1", "js_code": "dev-a"}, 40013, "invalid appid"),
        ({"secret": "x", "js_code": "dev-a"}, 40125, "invalid appsecret"),
        ({"js_code": "unknown"}, 40029, "invalid code"),
    ],
)
def test_the_stand_in_refuses_in_the_words_of_wechat(ask, query, errcode, errmsg):
    answer = ask(**query).json()
    assert answer["errcode"] == errcode
    assert answer["errmsg"].startswith(f"{errmsg}, rid: ")


def test_the_stand_in_answers_in_the_form_of_wechat(ask):
    success, failure = ask(js_code="dev-lihua"), ask()
    assert success.json().keys() == {"session_key", "openid"}
    assert failure.json().keys() == {"errcode", "errmsg"}
    for answer in (success, failure):
        assert answer.status_code == HTTPStatus.OK
        assert answer.headers["content-type"].startswith("text/plain")


def test_the_stand_in_refuses_other_methods_paths_and_people(http):
    assert http.post("/sns/jscode2session").json()["errcode"] == 43001
    assert http.get("/sandbox/codes").json()["errcode"] == 43002
    assert http.get("/elsewhere").status_code == HTTPStatus.NOT_FOUND
    for body in (b"", b"[]", b"{", b'{"name": "a b"}', b'{"openid": "a b"}'):
        assert http.post("/sandbox/codes", content=body).json()["errcode"] == 47001


def test_a_used_code_is_told_apart_from_an_unknown_one(ask, new_code):
    code = new_code(openid="o-somebody")
    assert ask(js_code=code).json()["openid"] == "o-somebody"
    assert ask(js_code=code).json()["errcode"] == 40163
    assert ask(js_code=code[:-1]).json()["errcode"] == 40029


def test_a_code_ends_after_five_minutes_used_or_not(ask, new_code, store):
    used, unused = new_code(), new_code()
    assert "openid" in ask(js_code=used).json()
    for code in (used, unused):
        assert 290 < store.ttl(WECHAT_CODE.format(code=code)) <= 300
        store.pexpire(WECHAT_CODE.format(code=code), 0)
        assert ask(js_code=code).json()["errcode"] == 40029
