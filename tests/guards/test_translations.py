"""The Chinese catalogue says everything that the code says, and its compiled form says what it says."""

import gettext
import re

import pytest

from backend.web.library_messages import TEMPLATES, translated
from tests import translating

CURE = "run '.venv/bin/python -m tests.translating', then translate what it names"
PLACE = re.compile(r"%\((\w+)\)s|%%")
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def kept():
    return translating.kept()


def texts(message):
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return ids, strings


def test_every_message_of_the_code_stands_in_the_catalogue_and_no_other(kept):
    wanted = {message.id for message in translating.extracted() if message.id}
    assert {message.id for message in kept if message.id} == wanted, CURE


def test_every_message_is_translated(kept):
    assert [message.id for message in translating.missing(kept)] == [], CURE


def test_a_secret_is_never_called_a_ciphertext(kept):
    assert [message.id for message in kept if "密文" in str(message.string)] == []


def test_a_translation_has_the_same_places_for_values(kept):
    for message in kept:
        ids, strings = texts(message)
        if message.id:
            assert {frozenset(PLACE.findall(text)) for text in strings} == {frozenset(PLACE.findall(ids[-1]))}, ids


def test_the_compiled_catalogue_is_current(kept):
    with translating.COMPILED.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in kept:
        ids, strings = texts(message)
        if message.id:
            said = compiled.ngettext(*ids, 2) if len(ids) > 1 else compiled.gettext(ids[0])
            assert said == strings[0], CURE


def test_the_file_is_as_the_tool_writes_it():
    assert translating.KEPT.read_text(encoding="utf-8") == translating.written(translating.merged()), CURE


@pytest.mark.parametrize(("language", "chinese"), [("zh-CN", True), ("en", False), ("", True), ("fr", True)])
def test_a_refusal_speaks_chinese_first_and_english_to_who_prefers_it(app, language, chinese):
    with app.app_context():
        answer = app.test_client().get("/api/v1/me", headers={"Accept-Language": language})
    assert (answer.json["title"] == "Please sign in.") is not chinese


def test_what_a_library_says_of_a_field_is_translated_with_its_numbers(app):
    body = {"code": "x" * 300}
    with app.app_context():
        answer = app.test_client().post("/api/v1/auth/wechat", json=body, headers={"Accept-Language": "zh-CN"})
    (error,) = answer.json["errors"]
    assert "256" in error["message"]
    assert "ength" not in error["message"]


def test_every_sentence_of_a_library_is_known_by_its_own_template(app):
    with app.test_request_context(headers={"Accept-Language": "en"}):
        for template in TEMPLATES:
            said = PLACE.sub("7", template)
            assert translated(said) == said


def delivery(**wrong):
    address = {"name": "Li Na", "phone": "13800000000", "address": "12 Yingze Street"}
    return {"reward_id": 1, "delivery": address | wrong}


def check_in(task):
    return {"task": task, "place": "canteen", "valid_s": 60}


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        (None, "get", "/tasks/nothing", None),
        (None, "post", "/redemptions", delivery(phone="none")),
        (None, "post", "/redemptions", delivery(name=" ")),
        ("operator", "post", "/admin/rewards/1/stock", {"delta": 0, "reason": "none"}),
        ("operator", "patch", "/admin/rewards/1", {"images": ["nothing"]}),
        ("operator", "get", "/admin/factors/nothing", None),
        ("operator", "get", "/admin/partners/999", None),
        ("operator", "post", "/admin/check-ins", check_in("nothing")),
        ("operator", "get", "/admin/redemptions?cursor=eA", None),
        ("reviewer", "get", "/admin/actions?cursor=eA", None),
    ],
)
def test_what_is_refused_is_told_in_the_callers_language(
    client, resident, headers, admin_headers, role, method, path, body
):
    more = {"Accept-Language": "zh-CN", "If-Match": '"1"', "Idempotency-Key": "k1"}
    who = headers(resident) if role is None else admin_headers(role)
    answer = client.open(f"/api/v1{path}", method=method.upper(), json=body, headers=who | more)
    assert 400 <= answer.status_code < 500, answer.text
    assert CHINESE.search(answer.json["detail"]), answer.text
    for error in answer.json.get("errors", ()):
        assert CHINESE.search(error["message"]), answer.text


def test_an_action_of_a_batch_is_refused_in_the_callers_language(client, resident, headers):
    wrong = {"task": "own_bag", "occurred_at": "2026-11-24T08:00:00Z", "activity": {"quantity": "x", "unit": "count"}}
    more = {"Accept-Language": "zh-CN"}
    answer = client.post("/api/v1/actions/batch", json={"actions": [wrong]}, headers=headers(resident) | more)
    (line,) = answer.json["results"]
    assert line["message"].startswith("activity.quantity: ")
    assert CHINESE.search(line["message"])
