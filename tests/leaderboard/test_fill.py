"""Filling a board while projectors go on: nothing is missing, whatever the order of events."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import event, text

from backend import clock, redis
from backend.database import advisory, cursor, db, transaction
from backend.leaderboard import filling
from backend.leaderboard.boards import Board
from backend.leaderboard.filling import Filling
from backend.leaderboard.moving import moved
from backend.leaderboard.periods import Period, containing
from backend.leaderboard.scripts import READY
from backend.outbox import partition_of
from backend.projector import service as projector
from tests.projections import board_differences, today
from tests.together import together


@pytest.fixture
def ever():
    """The board of all points of all time."""
    return Board("points", containing(today(), kind="all"))


@pytest.fixture
def in_background(app):
    """in_background(call) → a thread that runs it in its own context; joined at the end."""
    threads = []

    def start(call):
        def run():
            with app.app_context():
                call()

        thread = Thread(target=run)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.fixture
def held_before_commit(app):
    """held_before_commit() → (reached, go_on): the next commit waits."""
    reached, go_on = Event(), Event()

    def hold(_session):
        reached.set()
        assert go_on.wait(timeout=20)

    def arm():
        event.listen(db.session, "before_commit", hold, once=True)
        return reached, go_on

    yield arm
    go_on.set()


def score_of(board, resident, *, epoch):
    return redis.client().zscore(board.key(epoch), str(resident.resident_id))


def test_a_filling_waits_for_the_projector_that_does_not_know_of_the_board(
    app, deeds, resident, epoch, ever, in_background, held_before_commit
):
    present, partition = epoch(), partition_of(resident.resident_id)
    deeds.record(resident)
    reached, go_on = held_before_commit()
    in_background(lambda: projector.project(partition))
    assert reached.wait(timeout=20)
    # It has read the list of boards, which was empty, and told Redis nothing; its commit is yet to come.
    filler = in_background(lambda: filling.ensure(ever, epoch=present))
    waiting_for_lock = text(
        f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = {advisory.PROJECTOR}"
    )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
        while not watch.scalar(waiting_for_lock):
            assert filler.is_alive()
    assert redis.client().zscore(ever.key(present), "#") < READY
    go_on.set()
    filler.join(timeout=20)
    assert redis.client().zscore(ever.key(present), "#") == READY
    assert score_of(ever, resident, epoch=present) > 0
    assert board_differences() == []


def test_what_a_projector_writes_during_a_filling_is_not_replaced_by_the_older(
    app, deeds, new_resident, epoch, ever, monkeypatch
):
    present, one, other = epoch(), new_resident("one"), new_resident("other")
    for resident in (one, other):
        deeds.record(resident)
    projector.drain()
    take = Filling.take

    def project_first(self, line):
        # PostgreSQL has been read; now both move, one up and one down to nothing.
        if not self.lines:
            deeds.record(one, minute=60)
            deeds.reverse(other, 1)
            together(app, [projector.drain])
        take(self, line)

    monkeypatch.setattr(Filling, "take", project_first)
    assert filling.ensure(ever, epoch=present)
    assert score_of(ever, other, epoch=present) == 0
    assert board_differences() == []


def move(resident, *, district):
    home = {"district": district, "resident_id": resident.resident_id}
    with transaction():
        db.session.execute(text("UPDATE residents SET district_id = :district WHERE resident_id = :resident_id"), home)
        moved(resident.resident_id, now=clock.now())
    projector.drain()


def test_who_moves_elsewhere_takes_no_room_on_a_complete_board(app, deeds, resident, epoch):
    deeds.record(resident)
    projector.drain()
    present, here = epoch(), Board("points", containing(today(), kind="all"), "district", 1)
    assert filling.ensure(here, epoch=present)
    move(resident, district=2)
    assert redis.client().zrange(here.key(present), 0, -1) == ["#"]


def test_who_moves_away_during_a_filling_is_not_taken_in(app, deeds, new_resident, epoch, monkeypatch):
    mover, neighbour = (new_resident(name, district_id=1) for name in ("mover", "neighbour"))
    for resident in (mover, neighbour):
        deeds.record(resident)
    projector.drain()
    present, here = epoch(), Board("points", containing(today(), kind="all"), "district", 1)
    take = Filling.take

    def move_first(self, line):
        # PostgreSQL has been read.
        if not self.lines:
            together(app, [lambda: move(mover, district=2)])
        take(self, line)

    monkeypatch.setattr(Filling, "take", move_first)
    assert filling.ensure(here, epoch=present)
    assert score_of(here, mover, epoch=present) == 0
    assert score_of(here, neighbour, epoch=present) > 0
    assert board_differences() == []


def test_a_flush_in_the_middle_of_a_filling_leaves_no_half_board(app, deeds, new_resident, epoch, ever, monkeypatch):
    for number in range(5):
        deeds.record(new_resident(f"r{number}"))
    projector.drain()
    present, lines = epoch(), []
    take = Filling.take

    def flush_once(self, line):
        take(self, line)
        lines.append(line)
        if len(lines) == 3:
            redis.client().flushdb()

    monkeypatch.setattr(Filling, "take", flush_once)
    monkeypatch.setattr(filling, "CHUNK", 2)
    assert filling.ensure(ever, epoch=present)
    assert len(lines) == 10
    assert redis.client().zcount(ever.key(present), 1, "+inf") == 5
    assert board_differences() == []


def test_a_filling_that_died_is_taken_up_by_the_next_reader(app, deeds, resident, epoch, ever):
    deeds.record(resident)
    projector.drain()
    present = epoch()
    dead = Filling(ever, present)
    dead.begin()
    dead.take(b"4294967299 777\n")
    assert filling.ensure(ever, epoch=present)
    assert not dead.finish()
    assert redis.client().zrange(ever.key(present), 0, -1) == ["#", str(resident.resident_id)]


@pytest.mark.parametrize("begun_anew", [True, False])
def test_a_filling_that_was_lost_after_its_last_line_is_not_complete(app, epoch, ever, begun_anew):
    present = epoch()
    one, other = Filling(ever, present), Filling(ever, present)
    one.begin()
    redis.client().flushdb()
    if begun_anew:
        other.begin()
    assert not one.finish()
    assert not filling.is_complete(ever, epoch=present)
    assert other.finish() is begun_anew


def test_many_readers_of_a_missing_board_fill_it_once(app, deeds, resident, epoch, ever, monkeypatch):
    deeds.record(resident)
    projector.drain()
    present, begun = epoch(), []
    begin = Filling.begin
    monkeypatch.setattr(Filling, "begin", lambda self: (begun.append(self.token), begin(self)))
    done = together(app, [lambda: filling.ensure(ever, epoch=present)] * 6)
    assert done == [True] * 6
    assert len(begun) == 1


def test_districts_are_filled_in_one_pass(app, deeds, new_resident, epoch):
    for number in range(9):
        deeds.record(new_resident(f"r{number}", district_id=number % 3 + 1), metres=1_000 + 100 * number)
    projector.drain()
    present, week = epoch(), containing(today(), kind="week")
    boards = [Board("co2e", week, "district", area_id) for area_id in (1, 2, 3, 4)]
    with db.session.begin():
        assert filling.fill(cursor(), boards, epoch=present)
    assert [redis.client().zcount(board.key(present), 1, "+inf") for board in boards] == [3, 3, 3, 0]
    assert board_differences() == []


def test_boards_under_a_storm_of_awards_reversals_reads_and_flushes_end_up_right(
    app, deeds, new_resident, epoch, board
):
    people = [new_resident(f"r{number}", district_id=number % 2 + 1) for number in range(8)]

    def award(person):
        for step in range(6):
            judged = deeds.record(person, minute=30 * step, metres=1_000 + step)
            if step % 3 == 2:
                deeds.reverse(person, judged.seq)

    def project():
        for _ in range(12):
            projector.drain(max_seconds=1)

    def flush_and_fill():
        for _ in range(6):
            redis.client().flushdb()
            for scope, area_id in (("city", 0), ("district", 1)):
                filling.ensure(Board("points", containing(today(), kind="week"), scope, area_id), epoch=epoch())

    together(app, [*[lambda person=person: award(person) for person in people], project, project, flush_and_fill])
    projector.drain()
    answer = board(people[0], "points/week")
    assert (answer["size"], answer["me"]["score"]) == (8, answer["items"][answer["me"]["rank"] - 1]["score"])
    assert board_differences() == []


def test_a_past_board_leaves_redis_soon_and_a_present_one_later(app, deeds, resident, epoch):
    deeds.record(resident, days_ago=60)
    projector.drain()
    present = epoch()
    past = Board("points", containing(today() - timedelta(days=366), kind="year"))
    for one in (past, Board("points", Period("all", containing(today(), kind="all").starts_on))):
        assert filling.ensure(one, epoch=present)
        seconds = redis.client().ttl(one.key(present))
        assert (seconds <= filling.PAST_S) == (one is past)
        assert 0 < seconds <= filling.PRESENT_S
        assert redis.client().zscore(redis.LIVE_BOARDS.format(epoch=present), one.name)
