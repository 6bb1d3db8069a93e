"""The pages for people: whole, in two languages, and without anything from elsewhere."""

import re
from html import unescape

import pytest

from backend import openapi
from backend.console import reference
from backend.openapi.describing import calls

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FOREIGN = re.compile(r"(?:src|href|action)=\"(?:https?:)?//")
TAGS = re.compile(r"<[^>]+>")


def read(client, path, **headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, path
    return answer.text


@pytest.fixture
def parts(app):
    return reference.parts(openapi.describe(app))


def test_every_call_stands_on_a_page_with_its_example_and_its_refusals(client, app, parts):
    described = {call["operationId"]: call for _path, _method, call in calls(openapi.describe(app))}
    shown = [call for part in parts for call in part.calls]
    assert {call.id for call in shown} == set(described)
    for part in parts:
        page = unescape(TAGS.sub("", read(client, f"/docs/{part.slug}?lang=en")))
        for call in part.calls:
            assert call.summary in page
            assert f"{call.method} {call.path}" in " ".join(page.split())
            for slug in (slug for refusal in call.refusals for slug in refusal.slugs):
                assert slug in page


def test_the_guide_names_every_call_and_every_slug(client, parts):
    page = read(client, "/docs?lang=en")
    for call in (call for part in parts for call in part.calls):
        assert f"#{call.id}" in page
    for slug in ("insufficient-points", "out-of-stock", "idempotency-key-reused", "validation-failed"):
        assert f"<code>{slug}</code>" in page


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/actions"])
def test_the_language_is_what_the_reader_prefers_and_the_address_wins(client, path):
    english = {"Accept-Language": "en"}
    assert CHINESE.search(read(client, path)), "the city's own language comes first"
    assert 'lang="en"' in read(client, path, **english)
    assert 'lang="zh-CN"' in read(client, f"{path}?lang=zh", **english)
    assert 'lang="en"' in read(client, f"{path}?lang=en", **{"Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in read(client, f"{path}?lang=xx", **{"Accept-Language": "zh"})


def test_a_slug_of_several_refusals_is_told_by_the_general_one(client):
    page = " ".join(TAGS.sub(" ", read(client, "/docs?lang=en")).split())
    assert "unauthenticated Please sign in." in page
    assert "forbidden You may not do this." in page


def test_an_answer_says_which_language_it_has(client):
    answer = client.get("/docs?lang=en", headers={"Accept-Language": "zh"})
    assert answer.headers["Content-Language"] == "en"
    assert "Accept-Language" in answer.headers["Vary"]


def test_the_language_is_kept_from_page_to_page(client):
    assert 'href="/docs/actions?lang=en#record_action"' in read(client, "/docs?lang=en")


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/rewards"])
def test_nothing_comes_from_elsewhere(client, path):
    answer = client.get(path)
    assert not FOREIGN.search(answer.text)
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_every_link_leads_somewhere(client):
    pages = "".join(read(client, path) for path in ("/", "/docs", "/docs/rewards"))
    addresses = {unescape(address) for address in re.findall(r"(?:src|href)=\"(/[^\"#]*)", pages)}
    assert len(addresses) > 15
    for address in addresses:
        with client.get(address) as answer:
            assert answer.status_code == 200, address


def test_a_host_that_is_markup_is_shown_as_text(client):
    page = client.get("/docs?lang=en", headers={"Host": 'a"><b>x'})
    assert page.status_code == 400 or "<b>x" not in page.text


def test_an_example_can_be_pasted_into_a_shell(parts):
    shown = {call.id: call for part in parts for call in part.calls}
    record = shown["record_action"]
    assert record.curl.startswith('curl -X POST {site}/api/v1/actions \\\n  -H "Authorization: Bearer $TOKEN"')
    assert "-H 'Content-Type: application/json'" in record.curl
    assert shown["get_action"].curl.startswith("curl {site}/api/v1/actions/1024-17 ")
    assert "X-Signature" in shown["receive_events"].curl


def test_limits_are_told_and_technical_ones_are_not(parts):
    shown = {call.id: call for part in parts for call in part.calls}
    limits = {field.name: field.limits for field in (*shown["list_actions"].parameters, *shown["record_action"].body)}
    assert limits["limit"] == "1–100"
    assert limits["task"] == "1–64"
    assert limits["activity.quantity"] == ""


def test_nested_fields_stand_under_their_path(parts):
    shown = {call.id: call for part in parts for call in part.calls}
    names = [field.name for field in shown["list_actions"].answer]
    assert {"items", "items[].explanation.factors[].value", "next_cursor"} <= set(names)


def test_a_page_that_is_not_there_is_a_problem(client):
    answer = client.get("/docs/nothing")
    assert (answer.status_code, answer.json["type"]) == (404, "not-found")


def test_the_description_is_printed_by_a_command(app):
    printed = app.test_cli_runner().invoke(args=["openapi"])
    assert printed.exit_code == 0
    assert '"openapi": "3.1.0"' in printed.output
