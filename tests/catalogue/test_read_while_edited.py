"""The catalogue is read in a few statements, and may be edited between any two of them."""

from itertools import count
from types import SimpleNamespace

import pytest

from backend import clock
from backend.catalogue import service as catalogue
from tests.interleaving import every_schedule

TITLE = {"zh": "x", "en": "x"}
SOURCED = {"title": TITLE, "unit": "m", "source": "nowhere"}
VALID = {"source_status": "read", "region": "CN", "valid_from": "2020-01-01"}
SPAN = {"quantity_min": 1, "quantity_max": 9, "quantity_typical": 1}
EVIDENCE = [{"tier": "declaration", "basis": "co2e", "points": 1}]
RIDES = "/api/v1/admin/methodologies/bike_ride"
STATEMENTS = 4
"""Revision, tasks, methodologies, factors."""


@pytest.fixture
def add(app, admin_headers):
    """add(code) adds a task, its methodology and that one's factor, which bike rides take too: each a transaction."""
    headers, client = admin_headers("operator"), app.test_client()

    def post(kind, **given):
        answer = client.post(f"/api/v1/admin/{kind}", json=given, headers=headers)
        assert answer.status_code == 201, answer.text

    def take(factor):
        version = client.get(RIDES, headers=headers).headers["ETag"]
        answer = client.patch(RIDES, json={"baseline_factor": factor}, headers=headers | {"If-Match": version})
        assert answer.status_code == 200, answer.text

    def all_three(code):
        post("factors", code=code, value_mg=1, **SOURCED, **VALID)
        post("methodologies", code=code, baseline_factor=code, **SOURCED)
        task = {"category": "food", "limit_count": 1, "evidence": EVIDENCE, **SPAN}
        post("tasks", code=code, title=TITLE, unit="m", methodology=code, **task)
        take(code)

    return all_three


def test_whatever_is_added_meanwhile_each_task_that_was_read_has_its_factors(app, add):
    codes = (f"new_{number}" for number in count())
    today = clock.local_day(clock.now(), zone=clock.city_zone())

    def scene():
        code = next(codes)
        app.extensions.pop("catalogue", None)
        return SimpleNamespace(code=code, first=catalogue.current, second=lambda: add(code))

    schedules = 0
    for raced, scene_ in every_schedule(app, scene, both=False):
        read = raced.first.tasks.values()
        assert [rules.code for rules in read if rules.methodology and rules.quantifier.on(today) is None] == []
        assert scene_.code in catalogue.current().tasks
        schedules += 1
    assert schedules > STATEMENTS
