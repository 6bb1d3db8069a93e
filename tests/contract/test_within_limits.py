"""Too large and too often: every call refuses both as its description says."""

import pytest

from backend.admins import auth as admins
from backend.admins.models import Admin
from backend.config import Limit
from backend.openapi.describing import calls
from backend.residents import auth as residents
from backend.residents.models import Resident
from backend.web import limits
from backend.web.limits import UNCOUNTED, Limiter
from tests.contract.described import KEPT, assert_described
from tests.contract.test_contract import caller_of

HUGE = b" " * 5 * 1024 * 1024
CALLS = [(method.upper(), path, call) for path, method, call in calls(KEPT)]


def address_of(path, call):
    """The path with the examples of its parameters."""
    parameters = (*call.get("parameters", ()), *KEPT["paths"][path].get("parameters", ()))
    return path.format(**{each["name"]: each["example"] for each in parameters if each["in"] == "path"})


def ended_token(call):
    """It is signed, so that it has a limit of its own, and of another epoch, so that the call does nothing."""
    if caller_of(call) == "admin":
        return admins.issue(Admin(id=1, token_epoch=99)).token
    return residents.issue(Resident(resident_id=1, token_epoch=99)).token


@pytest.mark.parametrize(("method", "path", "call"), [c for c in CALLS if caller_of(c[2]) not in UNCOUNTED])
def test_who_asks_too_often_is_told_so_by_every_call(site, monkeypatch, method, path, call):
    monkeypatch.setattr(limits, "PEOPLE_AT_AN_ADDRESS", 1)
    address = address_of(path, call)
    client = site.test_client()
    for token in (ended_token(call), "made-up", None):
        monkeypatch.setitem(site.extensions, "limiter", Limiter(Limit(1, 3600)))
        site.extensions["redis"].flushdb()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answers = [client.open(address, method=method, headers=headers) for _ in range(2)]
        assert answers[0].status_code != 429
        assert (answers[1].status_code, answers[1].json["type"]) == (429, "rate-limited")
        assert 1 <= int(answers[1].headers["Retry-After"]) <= 3600
        assert_described(answers[1], method=method, path=address)


@pytest.mark.parametrize(("method", "path", "call"), [c for c in CALLS if "requestBody" in c[2]])
def test_a_body_beyond_the_limit_is_refused_by_every_call_that_takes_one(
    site, resident_headers, owner, signature, method, path, call
):
    address = address_of(path, call)
    known = {
        "resident": lambda: resident_headers,
        "admin": owner,
        "partner": lambda: signature(HUGE),
        "public": dict,
    }[caller_of(call)]()
    kind = next(iter(call["requestBody"]["content"]))
    headers = {"Idempotency-Key": "too-large", "If-Match": '"1"', **known}
    answer = site.test_client().open(address, method=method, data=HUGE, content_type=kind, headers=headers)
    assert (answer.status_code, answer.json["type"]) == (413, "content-too-large")
    assert_described(answer, method=method, path=address)
