"""POST /actions/steps: WeRun counts by Beijing's days, whatever the city's are."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import text

from backend import clock, sealing
from backend.database import db
from backend.residents import wechat_sandbox
from backend.residents.wechat import DaySteps
from tests import we_run

KEY = wechat_sandbox.session_key_of("o-walker", secret="any")
DAY = timedelta(days=1)


@pytest.fixture
def walk(app, client, new_resident, headers):
    """walk(…) → the answer to steps of these days, handed over now."""
    resident = new_resident("walker", session_key=sealing.seal(KEY))

    def send(*days):
        app_id, now = app.extensions["settings"].wechat_app_id, clock.now()
        steps = [DaySteps(day, 8000) for day in days]
        sent = we_run.encrypt_we_run(KEY, app_id=app_id, steps=steps, now=now)
        body = {"encrypted_data": sent.encrypted_data, "iv": sent.iv}
        answer = client.post("/api/v1/actions/steps", json=body, headers=headers(resident))
        assert answer.status_code == 200, answer.text
        return answer.json["days"]

    return send


@pytest.mark.parametrize(
    ("zone", "at", "whole"),
    [
        ("Asia/Shanghai", time(15, 59), 1),
        ("Asia/Shanghai", time(16, 0), 2),
        ("Asia/Urumqi", time(15, 59), 1),
        ("Asia/Urumqi", time(17, 59), 1),
        ("Asia/Urumqi", time(18, 0), 2),
        ("Asia/Tokyo", time(15, 59), 1),
        ("Asia/Tokyo", time(16, 0), 2),
    ],
)
def test_a_day_counts_as_that_day_once_it_is_over_here_and_in_beijing(app, monkeypatch, walk, zone, at, whole):
    city = replace(app.extensions["settings"], city_time_zone=ZoneInfo(zone))
    monkeypatch.setitem(app.extensions, "settings", city)
    day = clock.now().date() + DAY
    with time_machine.travel(datetime.combine(day, at, UTC), tick=False):
        told = [(line["day"], line["status"]) for line in walk(day - DAY, day)]
    assert told == [(each.isoformat(), "credited") for each in (day - DAY, day)[:whole]]
    kept = db.session.execute(text("SELECT local_day, happened_at FROM actions ORDER BY local_day")).all()
    assert [row.local_day for row in kept] == [day - DAY, day][:whole]
    assert [clock.local_day(row.happened_at) for row in kept] == [day - DAY, day][:whole]


def test_steps_of_a_week_ago_are_taken_until_the_day_is_over(app, walk):
    day = clock.now().date() + DAY
    with time_machine.travel(datetime.combine(day, time(15, 59), UTC), tick=False):
        told = [(line["day"], line["status"]) for line in walk(day - 8 * DAY, day - 7 * DAY)]
    assert told == [((day - 8 * DAY).isoformat(), "refused"), ((day - 7 * DAY).isoformat(), "credited")]
