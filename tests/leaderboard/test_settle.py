"""Settling: past boards are written down once, and leave Redis."""

from datetime import date, timedelta

import pytest
import time_machine

from backend import clock, redis
from backend.database import db, transaction
from backend.leaderboard import filling, settling
from backend.leaderboard.boards import Board
from backend.leaderboard.models import SettledBoard
from backend.leaderboard.periods import Period, containing
from backend.projector import service as projector
from tests.projections import today

GRACE = 3


@pytest.fixture
def settle_due(app):
    """settle_due(today) settles what is due then; returns which periods."""

    def run(day=None):
        with transaction():
            due = settling.due(today=day or today(), grace_days=GRACE)
        for period in due:
            with transaction():
                settling.settle(period, now=clock.now())
        return due

    return run


def settled(**wanted):
    with transaction():
        return db.session.query(SettledBoard).filter_by(**wanted).all()


def test_a_past_periods_boards_are_written_down_with_their_best(deeds, new_resident, settle_due):
    people = [new_resident(f"r{number}", district_id=number % 2 + 1, community_id=9) for number in range(5)]
    for number, person in enumerate(people):
        deeds.record(person, days_ago=40, metres=1_000 + 500 * number)
    projector.drain()
    past = containing(today() - timedelta(days=40), kind="day")
    assert past in settle_due()
    (city,) = settled(metric="co2e", period="day", starts_on=past.starts_on, scope="city")
    assert city.size == 5
    assert [standing["rank"] for standing in city.standings] == [1, 2, 3, 4, 5]
    assert city.standings[0] == {"rank": 1, "resident_id": people[4].resident_id, "score": 285_900}
    sizes = {board.scope: board.size for board in settled(metric="points", period="day", starts_on=past.starts_on)}
    assert sizes == {"city": 5, "district:1": 3, "district:2": 2, "community:9": 5}


def test_settling_again_changes_nothing_even_after_late_trips(deeds, resident, settle_due):
    deeds.record(resident, days_ago=40)
    projector.drain()
    settle_due()
    before = [(board.scope, board.period, board.size, board.standings, board.settled_at) for board in settled()]
    deeds.record(resident, days_ago=40, minute=60)
    projector.drain()
    assert settle_due() == []
    day = containing(today() - timedelta(days=40), kind="day")
    with transaction():
        settling.settle(day, now=clock.now())
    assert [(board.scope, board.period, board.size, board.standings, board.settled_at) for board in settled()] == before


@pytest.mark.parametrize(
    ("day", "over"),
    [
        (date(2030, 5, 15), {"day"}),
        (date(2030, 5, 12), {"day", "week"}),
        (date(2030, 5, 31), {"day", "month"}),
        (date(2030, 12, 31), {"day", "month", "year"}),
    ],
)
def test_a_period_is_due_when_the_days_of_grace_are_over_and_all_time_never(deeds, resident, settle_due, day, over):
    with time_machine.travel(clock.day_bounds(day)[0] + timedelta(hours=12)):
        deeds.record(resident)
        projector.drain()
    assert settle_due(day + timedelta(days=GRACE)) == []
    assert set(settle_due(day + timedelta(days=GRACE + 1))) == {containing(day, kind=kind) for kind in over}
    kinds = {period.kind for period in settle_due(day + timedelta(days=800))}
    assert kinds == {"day", "week", "month", "year"} - over


def test_settled_boards_leave_redis_and_the_others_stay(deeds, resident, settle_due, epoch):
    deeds.record(resident, days_ago=40)
    projector.drain()
    past = Board("points", containing(today() - timedelta(days=40), kind="day"))
    ever = Board("points", Period("all", containing(today(), kind="all").starts_on))
    present = epoch()
    for board in (past, ever):
        assert filling.ensure(board, epoch=present)
    settle_due()
    assert [redis.client().exists(board.key(present)) for board in (past, ever)] == [0, 1]
    listed = redis.client().zrange(redis.LIVE_BOARDS.format(epoch=present), 0, -1)
    assert (past.name in listed, ever.name in listed) == (False, True)


def test_a_period_in_which_all_was_reversed_is_settled_empty(deeds, resident, settle_due):
    judged = deeds.record(resident, days_ago=40)
    deeds.reverse(resident, judged.seq)
    projector.drain()
    assert settle_due()
    assert {(board.size, len(board.standings)) for board in settled(scope="city")} == {(0, 0)}
    assert settle_due() == []


def test_only_the_first_hundred_stand(deeds, new_resident, settle_due, monkeypatch):
    monkeypatch.setattr(settling, "STANDINGS", 2)
    for number in range(3):
        deeds.record(new_resident(f"r{number}"), days_ago=40)
    projector.drain()
    settle_due()
    assert {(board.size, len(board.standings)) for board in settled(scope="city")} == {(3, 2)}
