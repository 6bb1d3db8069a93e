"""A cursor that we did not make is refused wherever there are pages, whatever it holds, and never with a 500."""

import base64
from itertools import product

import pytest

from tests.contract.described import FOUND, assert_described

CODES = {"factors": "travel_bike", "methodologies": "bike_ride", "tasks": "bike_ride"}
"""Of something that each list of versions has."""
MEANT = "2026-01-01T00:00:00+00:00"
BEYOND_INT, BEYOND_BIGINT = 2**31, 2**63
TEXTS = {
    "nothing": "",
    "a word": "word",
    "a NUL": "a\x00b",
    "a fraction": "1.5",
    "beyond bigint": f"{BEYOND_BIGINT}",
    "below bigint": f"-{BEYOND_BIGINT + 1}",
    "a number of 120 digits": "9" * 120,
    "a moment alone": MEANT,
    "a moment and a word": f"{MEANT} one 1",
    "a resident beyond bigint": f"{MEANT} {BEYOND_BIGINT} 1",
    "a resident far below": f"{MEANT} -{BEYOND_BIGINT + 1} 1",
    "a number beyond int": f"{MEANT} 1 {BEYOND_INT}",
    "a number far below": f"{MEANT} 1 -{BEYOND_INT + 1}",
    "a fourth part": f"{MEANT} 1 1 1",
    "no moment": "yesterday 1 1",
    "a moment without offset": "2026-01-01T00:00:00 1 1",
    "a day": "2026-01-01 1 1",
    "the first moment, further east": "0001-01-01T00:00:00+14:00 1 1",
    "the last moment, further west": "9999-12-31T23:59:59-14:00 1 1",
    "digits that are no ASCII": f"{MEANT} ١ ١",
}
NOT_EVEN_TEXT = {"no base64": "%", "half a character": "4", "no UTF-8": "_w", "two lines": "MQ\nMQ", "with +": "a+b/"}


def encoded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


CURSORS = NOT_EVEN_TEXT | {name: encoded(text) for name, text in TEXTS.items()}
PAGED = {
    path: call
    for _, path, method, call in FOUND
    if method == "get" and any(parameter.get("name") == "cursor" for parameter in call.get("parameters", ()))
}
BY_CODE = {f"/api/v1/{kind}" for kind in ("areas", "admin/areas", *(f"admin/{kind}" for kind in CODES))}
"""Whose cursor is a code: any text is a place in their order."""
BY_MOMENT = {"/api/v1/admin/actions", "/api/v1/admin/redemptions"}
PLACES = {"the first moment, further east", "the last moment, further west", "digits that are no ASCII"}
"""Which such a list may read, though nobody else writes them so."""


@pytest.fixture(scope="module")
def callers(resident_headers, owner):
    """By the kind of token that a call asks for: the headers of somebody who may make it."""
    return {"resident": resident_headers, "admin": owner(), None: {}}


def test_all_lists_that_have_pages_are_known():
    assert len(PAGED) > 20
    assert {path for path in PAGED if "{" in path} == {f"/api/v1/admin/{kind}/{{code}}/versions" for kind in CODES}


@pytest.mark.parametrize(("path", "name"), list(product(sorted(PAGED), CURSORS)))
def test_a_made_up_cursor_is_refused(site, callers, path, name):
    kinds = [kind for choice in PAGED[path].get("security", ()) for kind in choice]
    sent = path.replace("{code}", CODES.get(path.split("/")[4] if path.count("/") > 4 else "", ""))
    answer = site.test_client().get(sent, query_string={"cursor": CURSORS[name]}, headers=callers[(kinds or [None])[0]])
    if (path in BY_CODE and name in TEXTS and "\x00" not in TEXTS[name]) or (path in BY_MOMENT and name in PLACES):
        assert answer.status_code in {200, 422}, answer.text
    else:
        assert answer.status_code == 422, answer.text
        assert [error["field"] for error in answer.json["errors"]] == ["cursor"]
    assert_described(answer, method="GET", path=sent)
