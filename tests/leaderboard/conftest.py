"""What tests of boards do all the time."""

import pytest

from backend.database import cursor, transaction
from backend.leaderboard import epochs
from tests.projections import Deeds


@pytest.fixture(autouse=True)
def today_has_begun(well_into_the_day):
    """Deeds of a short while ago are of today."""


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
