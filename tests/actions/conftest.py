"""Requests for an award that come at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.actions import record_one as recording
from backend.actions import record_together
from tests.actions.holding import KEY, PATIENCE_S, bag, held_up, until
from tests.partners.conftest import bikes, known, ride, rows, send, signed_headers  # noqa: F401

PATH = "/api/v1/actions"
HUGE = 9_000_000_000
"""Milligrams a metre, and metres: both may be given, and what they come to fits no column."""


@pytest.fixture
def ask(app, headers):
    """ask(resident, body, key) → a call that sends it."""

    def make(resident, body=None, key=None, **more):
        sign = headers(resident) | ({"Idempotency-Key": key} if key else {}) | more
        return lambda: app.test_client().post(PATH, json=body or bag(), headers=sign)

    return make


@pytest.fixture
def huge(client, admin_headers):
    """There is a task whose factor and whose range somebody has set far too high."""
    operator, title = admin_headers("operator"), {"zh": "x", "en": "x"}

    def add(kind, **given):
        answer = client.post(f"/api/v1/admin/{kind}", json={"title": title, **given}, headers=operator)
        assert answer.status_code == 201, answer.text

    sourced = {"source": "nowhere", "unit": "m"}
    valid = {"source_status": "read", "region": "CN", "valid_from": "2020-01-01"}
    add("factors", code="huge", value_mg=HUGE, **sourced, **valid)
    add("methodologies", code="huge", baseline_factor="huge", **sourced)
    tiers = [{"tier": tier, "basis": "fixed", "points": 1} for tier in ("declaration", "partner")]
    photo = {"tier": "photo", "basis": "fixed", "points": 1, "review": True}
    span = {"quantity_min": 1, "quantity_max": HUGE, "quantity_typical": 1, "limit_count": 5}
    task = {"category": "food", "unit": "m", "methodology": "huge", "evidence": [*tiers, photo]}
    add("tasks", code="huge", **span, **task)


@pytest.fixture
def too_much(huge):
    """too_much(…) → a claim of that task that comes to more than anything can be worth."""
    return lambda **more: bag(task="huge", activity={"quantity": HUGE, "unit": "m"}, **more)


@pytest.fixture
def groups(monkeypatch):
    """The residents of each group that was recorded, as it happens; what is recorded is left as it is."""
    seen = []
    judge = record_together._judge_and_write

    def told(statements, reads, *, catalogue):
        seen.append([asked.owner for asked, _ in reads])
        judge(statements, reads, catalogue=catalogue)

    monkeypatch.setattr(record_together, "_judge_and_write", told)
    return seen


@pytest.fixture
def at_once(app, ask, new_resident):
    """at_once(calls) → their answers, all of them in one line: all leaders are held up until they stand there.

    Then one of the leaders is let go, so that there is one who takes all of them along.
    """

    def run(calls, meanwhile=lambda: None):
        first, *others = leaders = [new_resident() for _ in range(recording.LEADERS)]
        line = recording.gathering()
        with ThreadPoolExecutor(32) as pool:
            with held_up(*others):
                with held_up(first):
                    led = [pool.submit(ask(leader, key=KEY)) for leader in leaders]
                    until(lambda: line._wanted == 0)
                    meanwhile()
                    waiting = []
                    for call in calls:
                        waiting.append(pool.submit(call))
                        until(lambda: len(line._line) == len(waiting))
                answers = [future.result(PATIENCE_S) for future in waiting]
            assert {future.result(PATIENCE_S).status_code for future in led} == {201}
        return answers

    return run
