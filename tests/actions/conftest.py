"""Requests for an award that come at the same moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.actions import record_one as recording
from backend.actions import record_together
from tests.actions.holding import KEY, PATIENCE_S, bag, held_up, until

PATH = "/api/v1/actions"


@pytest.fixture
def ask(app, headers):
    """ask(resident, body, key) → a call that sends it."""

    def make(resident, body=None, key=None, **more):
        sign = headers(resident) | ({"Idempotency-Key": key} if key else {}) | more
        return lambda: app.test_client().post(PATH, json=body or bag(), headers=sign)

    return make


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
