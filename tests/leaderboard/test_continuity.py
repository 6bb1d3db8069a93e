"""Redis may vanish, forget, lie or hang: boards are right or come from PostgreSQL, and come back by themselves."""

import pytest
import redis as redis_py

from backend import redis
from backend.database import autocommit_cursor, cursor, transaction
from backend.leaderboard import epochs, locks
from backend.leaderboard.tending import tend
from backend.outbox import partition_of
from backend.projector import service as projector
from tests.projections import board_differences, expected_now, projected


@pytest.fixture
def cut_off(app):
    """cut_off(True): nobody reaches Redis; cut_off(False): everybody does again."""
    reachable = app.extensions["redis"]
    nowhere = redis_py.Redis(port=1, socket_connect_timeout=0.2, decode_responses=True)

    def switch(off):
        app.extensions["redis"] = nowhere if off else reachable

    yield switch
    switch(False)
    nowhere.close()


@pytest.fixture
def read_only(app, settings):
    """read_only(True): Redis refuses every write, as it does when its memory is full."""
    usual = app.extensions["redis"]
    usual.acl_setuser("reader", enabled=True, nopass=True, categories=["+@all", "-@write"], keys=["*"], reset=True)
    url = {"username": "reader", "password": "any", "decode_responses": True}
    reader = redis_py.from_url(settings.redis_url, **url)

    def switch(on):
        app.extensions["redis"] = reader if on else usual

    yield switch
    switch(False)
    reader.close()
    usual.acl_deluser("reader")


def state():
    with transaction():
        return epochs.state(cursor())


def tended():
    with transaction():
        return tend()


def places(answer):
    return [(item["rank"], item["score"]) for item in answer["items"]]


def test_flushed_boards_come_back_when_somebody_reads_them(board, deeds, resident):
    deeds.record(resident)
    projector.drain()
    before = board(resident, "points/week")
    redis.client().flushdb()
    assert board(resident, "points/week") == before
    deeds.record(resident, minute=60)
    projector.drain()
    assert board(resident, "points/week")["me"]["score"] == 2 * before["me"]["score"]
    assert board_differences() == []


def test_without_redis_boards_are_read_from_postgresql(board, deeds, new_resident, cut_off):
    people = [new_resident(f"p{number}") for number in range(5)]
    for number, person in enumerate(people):
        deeds.record(person, metres=5_000 - 700 * (number // 2))
    projector.drain()
    for path in ("co2e/week?limit=2&offset=1", "points/day", "co2e/all/around-me?window=1", "points/day?offset=9"):
        from_redis = board(people[2], path)
        cut_off(True)
        assert board(people[2], path) == from_redis
        cut_off(False)


def test_what_was_projected_while_redis_was_away_is_not_missing_when_it_is_back(board, deeds, resident, cut_off):
    deeds.record(resident)
    projector.drain()
    first = board(resident, "points/all")["me"]["score"]
    cut_off(True)
    deeds.record(resident, minute=60)
    assert projector.drain() == 1
    assert state().behind
    assert board(resident, "points/all")["me"]["score"] == 2 * first
    cut_off(False)
    # Redis answers again, with what it held before: it is not believed until a projector has reached it.
    assert board(resident, "points/all")["me"]["score"] == 2 * first
    assert tended()
    assert not state().behind
    assert board(resident, "points/all")["me"]["score"] == 2 * first
    assert board_differences() == []
    assert projected() == expected_now()


def test_a_redis_that_holds_old_data_is_noticed(board, deeds, resident):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/all")
    old = {key: redis.client().zrange(key, 0, -1, withscores=True) for key in redis.client().keys("tanhui:*")}
    deeds.record(resident, minute=60)
    projector.drain()
    redis.client().flushdb()
    for key, members in old.items():
        redis.client().zadd(key, dict(members))
    assert len(board_differences()) > 0
    assert tended()
    assert not tended()
    assert board(resident, "points/all")["me"]["score"] == 38
    assert board_differences() == []


def test_a_batch_after_a_loss_drops_the_boards_by_itself(board, deeds, resident):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/all")
    partition = partition_of(resident.resident_id)
    redis.client().zrem(redis.LIVE_BOARDS.format(epoch=state().epoch), f"#{partition}", "points:all:2000-01-01:city")
    before = state().epoch
    deeds.record(resident, minute=60)
    projector.project(partition)
    assert state().epoch != before
    assert board(resident, "points/all")["me"]["score"] == 38


def test_a_partition_that_is_being_projected_is_left_to_its_projector(deeds, resident):
    deeds.record(resident)
    projector.drain()
    partition, before = partition_of(resident.resident_id), state()
    redis.client().zrem(redis.LIVE_BOARDS.format(epoch=before.epoch), f"#{partition}")
    with autocommit_cursor() as busy, busy.connection.transaction():
        locks.take_partition(busy, partition)
        assert not tended()
    assert state() == before
    assert tended()
    assert state().epoch != before.epoch


def test_where_all_is_well_nothing_is_dropped(board, deeds, new_resident):
    for number in range(9):
        deeds.record(new_resident(f"r{number}"))
    projector.drain()
    before = state()
    assert [tended() for _ in range(3)] == [False] * 3
    assert state() == before


def test_a_redis_that_takes_no_more_is_done_without(board, deeds, resident, read_only):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/all")
    read_only(True)
    deeds.record(resident, minute=60)
    projector.drain()
    assert not tended()
    assert state().behind
    for path in ("points/all", "points/year"):
        assert board(resident, path)["me"]["score"] == 38
    read_only(False)
    assert tended()
    assert board(resident, "points/all")["me"]["score"] == 38
    assert board_differences() == []


def test_boards_that_nobody_may_read_any_more_leave_their_memory_to_the_new_ones(board, deeds, resident, read_only):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/week")
    before = set(redis.client().scan_iter("tanhui:*board*")) | set(redis.client().scan_iter("tanhui:*scores"))
    assert len(before) == 2
    read_only(True)
    deeds.record(resident, minute=60)
    projector.drain()
    assert state().behind
    read_only(False)
    assert tended()
    board(resident, "points/week")
    assert before.isdisjoint(redis.client().scan_iter("tanhui:*"))


def test_a_damaged_score_is_named(board, deeds, resident):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/all")
    (key,) = redis.client().keys("tanhui:*all*scores")
    redis.client().zincrby(key, 2**32, str(resident.resident_id))
    redis.client().zadd(key, {"999": 2**33})
    assert {difference.subject for difference in board_differences()} == {str(resident.resident_id), "999"}


def test_rebuilding_drops_and_fills_the_present_boards(app, board, deeds, resident):
    deeds.record(resident)
    projector.drain()
    board(resident, "points/all")
    (key,) = redis.client().keys("tanhui:*all*scores")
    redis.client().zincrby(key, 2**32, str(resident.resident_id))
    runner = app.test_cli_runner().invoke(args=["leaderboard", "rebuild"])
    assert runner.exit_code == 0, runner.output
    assert "10 boards rebuilt" in runner.output
    assert board_differences() == []
    assert board(resident, "points/all")["me"]["score"] == 19


def test_who_notices_a_loss_that_has_been_noticed_drops_nothing_more(app, epoch):
    lost = epoch()
    begun = []
    for _ in range(2):
        with transaction():
            epochs.begin(cursor(), instead_of=lost)
        begun.append(epoch())
    assert lost != begun[0] == begun[1]


def test_an_epoch_that_is_over_makes_no_other_fall_behind(app, epoch):
    over = epoch()
    with transaction():
        begun = epochs.begin(cursor())
    with transaction():
        epochs.fall_behind(cursor(), over)
        assert epochs.state(cursor()) == epochs.State(begun, behind=False)
