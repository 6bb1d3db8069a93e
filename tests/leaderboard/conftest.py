"""What tests of boards do all the time."""

from datetime import timedelta

import pytest
import time_machine

from backend import clock
from backend.config import SHANGHAI
from backend.database import cursor, transaction
from backend.leaderboard import epochs
from tests.projections import Deeds

EARLY = timedelta(hours=2)


@pytest.fixture(autouse=True)
def well_into_the_day():
    """Deeds of less than two hours ago are of today: just after midnight it is two hours later for the tests."""
    now = clock.now()
    if now - clock.day_bounds(clock.local_day(now, zone=SHANGHAI), zone=SHANGHAI)[0] >= EARLY:
        yield
        return
    with time_machine.travel(now + EARLY):
        yield


@pytest.fixture
def deeds(app, settings):
    """Records deeds of residents."""
    return Deeds(settings)


@pytest.fixture
def epoch(app):
    """epoch() → the present epoch of the boards."""

    def present():
        with transaction():
            return epochs.state(cursor()).epoch

    return present


@pytest.fixture
def board(app, client, headers):
    """board(resident, path) → the answer to GET /leaderboards/<path>."""

    def read(resident, path, status=200):
        with app.app_context():  # a new one, as each request has
            sent = {"Accept-Language": "en", **headers(resident)}
            answer = client.get(f"/api/v1/leaderboards/{path}", headers=sent)
        assert answer.status_code == status, answer.text
        return answer.json

    return read
