"""A period's boards are settled while a late trip of that period comes in: before, or after, and whole."""

from datetime import timedelta

import pytest

from backend import clock
from backend.database import cursor, db, transaction
from backend.leaderboard import epochs, filling, settling
from backend.leaderboard.boards import Board
from backend.leaderboard.models import SettledBoard
from backend.leaderboard.periods import containing
from backend.outbox import partition_of
from backend.projector import service as projector
from tests.projections import expected_now, projected, today
from tests.races.conftest import Scene

pytestmark = pytest.mark.usefixtures("well_into_the_day")
LATE_DAYS = 40
ONE_TRIP = {"points": 19, "co2e": 190_600}
"""Scores of a ride of two kilometres."""


@pytest.fixture
def late(somebody, deeds):
    """late() → a resident with a trip of long ago, and the day's points board in Redis: each time another day."""
    days = iter(range(LATE_DAYS, 400))

    def make():
        owner, days_ago = somebody(district_id=1, community_id=9), next(days)
        deeds.record(owner, days_ago=days_ago, minute=60)
        projector.drain()
        period = containing(today() - timedelta(days=days_ago), kind="day")
        with transaction():
            present = epochs.state(cursor()).epoch
        assert filling.ensure(Board("points", period), epoch=present)
        return owner, days_ago, period

    return make


@pytest.mark.parametrize("settled_first", [True, False])
@pytest.mark.parametrize("award", ["award", "projection"])
def test_a_late_trip_is_on_the_settled_board_or_came_too_late(outcomes, late, deeds, doing, settled_first, award):
    def scene():
        owner, days_ago, period = late()
        if award == "projection":
            deeds.record(owner, days_ago=days_ago)
        settle = doing(lambda: settling.settle(period, now=clock.now()))
        calls = [settle, lambda: come_in(owner, days_ago)]
        return Scene(*(calls if settled_first else calls[::-1]), lambda: settled_then(owner, period))

    def come_in(owner, days_ago):
        if award == "award":
            deeds.record(owner, days_ago=days_ago)
        projector.project(partition_of(owner.resident_id))
        return "done"

    assert set(outcomes(scene)) == {("done", "done", ((1,), (1,))), ("done", "done", ((2,), (2,)))}
    assert projected() == expected_now()


def settled_then(owner, period):
    """How many trips each of the period's settled boards has seen, then and after settling once more."""
    found = []
    for _ in range(2):
        with transaction():
            boards = db.session.query(SettledBoard).filter_by(period="day", starts_on=period.starts_on).all()
            scores = [(ONE_TRIP[board.metric], *board.standings) for board in boards]
            assert [standing["resident_id"] for _, standing in scores] == [owner.resident_id] * 6
            found.append({standing["score"] / one for one, standing in scores})
            settling.settle(period, now=clock.now())
    return tuple(map(tuple, found))
