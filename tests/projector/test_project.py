"""Projections say what the books say, whatever happens in between."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from backend import clock, redis
from backend.account import cancelling
from backend.database import cursor, db, transaction
from backend.leaderboard import epochs, filling
from backend.leaderboard.boards import Board
from backend.leaderboard.moving import moved
from backend.leaderboard.periods import KINDS, containing
from backend.leaderboard.scores import METRICS
from backend.leaderboard.tending import tend
from backend.ledger import service as ledger
from backend.outbox import partition_of
from backend.projector import service as projector
from backend.residents.models import Resident
from tests.books import hold
from tests.projections import board_differences, expected_now, project_all, projected, today, waiting
from tests.together import together


@pytest.fixture
def epoch(app):
    """The epoch that boards are in when the test begins."""
    with transaction():
        return epochs.state(cursor()).epoch


def fill(epoch, *, scope="city", area_id=0, days_ago=0):
    for kind in KINDS:
        for metric in METRICS:
            period = containing(today() - timedelta(days=days_ago), kind=kind)
            assert filling.ensure(Board(metric, period, scope, area_id), epoch=epoch)


class CrashError(Exception):
    """Somebody pulls the plug."""


@pytest.fixture
def crash_before_commit(app):
    """crash_before_commit(): the next commit does not happen."""
    hooks = []

    def pull_the_plug(_session):
        raise CrashError

    def arm():
        event.listen(db.session, "before_commit", pull_the_plug, once=True)
        hooks.append(pull_the_plug)

    return arm


def test_everything_recorded_is_projected(app, deeds, new_resident):
    for number in range(20):
        somebody = new_resident(f"r{number}", district_id=number % 3 or None)
        for step in range(number % 4):
            deeds.record(somebody, days_ago=step, metres=1_000 + 100 * number)
            deeds.record(somebody, "no_cutlery", days_ago=40 * step, minute=30)
    assert projector.drain() == waiting() + sum(2 * (number % 4) for number in range(20))
    assert projected() == expected_now()


def test_a_reversal_takes_away_what_it_gave_and_no_more(app, deeds, new_resident):
    one, other = new_resident("one", district_id=1), new_resident("other", district_id=1)
    first, second = deeds.record(one), deeds.record(one, "no_cutlery", minute=60)
    deeds.record(other)
    projector.drain()
    deeds.reverse(one, first.seq)
    projector.drain()
    assert projected() == expected_now()
    deeds.reverse(one, second.seq)
    projector.drain()
    assert projected() == expected_now()
    with transaction():
        assert db.session.scalar(text("SELECT sum(residents) FROM participants WHERE day = '0001-01-01'")) == 1


def test_an_award_and_its_reversal_in_one_batch_leave_nothing(app, deeds, resident):
    deeds.reverse(resident, deeds.record(resident).seq)
    projector.drain()
    assert projected() == expected_now()
    assert projected()["totals"] == {}


def test_movements_of_points_are_counted_by_kind(app, deeds, resident, settings):
    deeds.record(resident)
    with transaction():
        held = hold(resident.resident_id, 5)
        wallet = ledger.lock_wallet(resident.resident_id)
        now = clock.now()
        ledger.release(wallet, held, now=now)
        reference = ledger.Reference("adjustment", 1)
        ledger.adjust(wallet, points=-3, reference=reference, now=now, settings=settings)
    projector.drain()
    assert projected()["movements"] == expected_now()["movements"]
    assert {kind: value for (_, kind), value in projected()["movements"].items()} == {
        "redeem": (5, 1),
        "return": (5, 1),
        "adjust": (-3, 1),
    }


def test_a_batch_that_told_redis_and_was_not_committed_is_repeated_without_harm(
    app, deeds, resident, epoch, crash_before_commit
):
    fill(epoch)
    deeds.record(resident, minute=60)
    project_all(resident)
    deeds.record(resident)
    crash_before_commit()
    with pytest.raises(CrashError):
        projector.project(partition_of(resident.resident_id))
    assert waiting() == 1
    with transaction():
        assert not tend()
    project_all(resident)
    assert projected() == expected_now()
    assert board_differences() == []
    with transaction():
        assert epochs.state(cursor()).epoch == epoch


def test_small_batches_come_to_the_same_as_one(app, deeds, new_resident, epoch):
    fill(epoch)
    somebody = new_resident("somebody")
    for step in range(6):
        deeds.record(somebody, metres=1_000 + step, minute=30 * step)
    project_all(somebody, limit=1)
    assert projected() == expected_now()
    assert board_differences() == []


def test_several_projectors_at_once_project_each_row_once(app, deeds, new_resident, epoch):
    fill(epoch)
    for number in range(24):
        deeds.record(new_resident(f"r{number}"))
    done = together(app, [projector.drain] * 4)
    assert sum(done) == 24
    assert projected() == expected_now()
    assert board_differences() == []


def test_each_board_is_told_what_is_its_own(app, deeds, new_resident, epoch):
    # A day that begins a month: both are found by the same date.
    first = (today() - containing(today() - timedelta(days=40), kind="month").starts_on).days
    for scope, area_id in (("city", 0), ("district", 1), ("district", 2), ("community", 1), ("community", 2)):
        for days_ago in (0, first):
            fill(epoch, scope=scope, area_id=area_id, days_ago=days_ago)
    homes = [(1, 2), (2, 1), (2, 2), (None, None)]
    people = [new_resident(f"at {home}", district_id=home[0], community_id=home[1]) for home in homes]
    for number, resident in enumerate(people):
        for days_ago in (0, first - 1, first, first + 1):
            deeds.record(resident, days_ago=days_ago, metres=1_000 + 100 * number + days_ago)
    projector.drain()
    assert board_differences() == []
    sizes = {(scope, area): size_of(epoch, scope, area) for scope in ("district", "community") for area in (1, 2)}
    assert sizes == {("district", 1): 1, ("district", 2): 2, ("community", 1): 1, ("community", 2): 2}


@pytest.mark.parametrize(("leaves", "there"), [(False, 1), (True, 0)])
def test_who_moves_or_leaves_changes_boards(app, deeds, new_resident, epoch, leaves, there):
    mover, stayer = new_resident("mover", district_id=1, community_id=5), new_resident("stayer", district_id=1)
    fill(epoch)
    for district_id in (1, 2):
        fill(epoch, scope="district", area_id=district_id)
    fill(epoch, scope="community", area_id=5)
    deeds.record(mover)
    deeds.record(stayer, metres=1_000)
    projector.drain()
    with transaction():
        if leaves:
            cancelling.erase(mover.resident_id, by="test")
        else:
            row = db.session.get(Resident, mover.resident_id)
            row.district_id, row.community_id = 2, None
            moved(mover.resident_id, now=clock.now())
    projector.drain()
    assert board_differences() == []
    counts = {area: size_of(epoch, "district", area) for area in (1, 2)}
    assert (counts, size_of(epoch, "community", 5), size_of(epoch, "city", 0)) == ({1: 1, 2: there}, 0, 2)


def size_of(epoch, scope, area_id):
    board = Board("points", containing(today(), kind="all"), scope, area_id)
    return redis.client().zcount(board.key(epoch), 1, "+inf")


steps = st.one_of(
    st.tuples(st.just("ride"), st.integers(0, 4), st.integers(300, 9_000), st.sampled_from([0, 1, 6, 30, 200, 400])),
    st.tuples(st.just("meal"), st.integers(0, 4), st.integers(0, 300), st.sampled_from([0, 2, 20])),
    st.tuples(st.just("reverse"), st.integers(0, 4), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("project"), st.integers(0, 4), st.integers(1, 3), st.just(0)),
)


@given(story=st.lists(steps, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_projections_follow_from_the_books(app, deeds, new_resident, epoch, story):
    people = [new_resident(f"r{number}", district_id=number % 2 + 1) for number in range(5)]
    fill(epoch)
    fill(epoch, scope="district", area_id=1)
    seqs = {person.resident_id: set() for person in people}
    for step, (verb, who, number, days_ago) in enumerate(story):
        tell(verb, people[who], deeds, number=number, days_ago=days_ago, seqs=seqs, minute=25 * step)
    projector.drain()
    assert projected() == expected_now()
    assert board_differences() == []


def tell(verb, somebody, deeds, *, number, days_ago, seqs, minute):
    mine = seqs[somebody.resident_id]
    if verb == "project":
        projector.project(partition_of(somebody.resident_id), limit=number)
    elif verb == "reverse":
        if mine:
            deeds.reverse(somebody, mine.pop())
    else:
        task, metres = ("bike_ride", number) if verb == "ride" else ("no_cutlery", 1)
        judged = deeds.record(somebody, task, metres=metres, days_ago=days_ago, minute=minute)
        if judged.outcome.status == "credited":
            mine.add(judged.seq)
