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
from backend.residents import areas
from backend.residents import service as residents
from backend.residents.auth import Caller
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


@pytest.fixture
def places(app):
    """Ids of two districts, and of two communities in the first."""
    with transaction():
        named = [("east", None), ("west", None), ("east-1", "east"), ("east-2", "east")]
        return {
            code: areas.add(code=code, title={"en": code}, district=district, by="test").id for code, district in named
        }


@pytest.fixture
def move(app):
    """move(resident, days_ago, district=…, community=…) changes where somebody lives, that many days ago."""

    def change(resident, days_ago, **where):
        with time_machine.travel(clock.now() - timedelta(days=days_ago)), transaction():
            caller = Caller(resident.resident_id, resident.token_epoch)
            residents.change_profile(caller, where, now=clock.now())

    return change


def areas_settled(day):
    """Scopes of areas on whose board of that day somebody is."""
    boards = settled(metric="co2e", period="day", starts_on=day)
    return {board.scope for board in boards} - {"city"}


@pytest.mark.parametrize(
    ("days_ago", "place"),
    [([41], "west"), ([40], "west"), ([39], "east"), ([0], "east"), ([39, 38], "east"), ([40, 39], "west")],
)
def test_where_one_lived_when_the_period_ended_counts(
    deeds, new_resident, settle_due, places, move, forty_days_ago, days_ago, place
):
    mover = new_resident("mover", district_id=places["east"])
    deeds.record(mover, days_ago=40)
    projector.drain()
    there = "west"
    for ago in days_ago:
        move(mover, ago, district=there)
        there = "east" if there == "west" else "west"
    settle_due()
    assert areas_settled(forty_days_ago) == {f"district:{places[place]}"}


def test_a_community_is_not_changed_after_the_period_either(
    deeds, new_resident, settle_due, places, move, forty_days_ago
):
    mover = new_resident("mover", district_id=places["east"], community_id=places["east-1"])
    deeds.record(mover, days_ago=40)
    projector.drain()
    move(mover, 38, community="east-2")
    settle_due()
    assert areas_settled(forty_days_ago) == {f"district:{places['east']}", f"community:{places['east-1']}"}


def test_who_had_set_no_district_by_then_is_on_the_citys_board_alone(
    deeds, resident, settle_due, places, move, forty_days_ago
):
    deeds.record(resident, days_ago=40)
    projector.drain()
    move(resident, 38, district="west")
    settle_due()
    assert areas_settled(forty_days_ago) == set()
    assert {board.size for board in settled(scope="city", starts_on=forty_days_ago, period="day")} == {1}


def test_of_several_moves_of_a_day_the_first_tells_where_one_lived_before(
    deeds, new_resident, settle_due, places, move, forty_days_ago
):
    mover = new_resident("mover", district_id=places["east"])
    deeds.record(mover, days_ago=40)
    projector.drain()
    for there in ("west", "east", "west"):
        move(mover, 39, district=there)
    settle_due()
    assert areas_settled(forty_days_ago) == {f"district:{places['east']}"}


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


def test_who_came_to_the_same_at_the_same_moment_stands_as_on_a_board(deeds, new_resident, settle_due, forty_days_ago):
    now = clock.now()
    people = [new_resident() for _ in range(3)]
    for person in people:
        deeds.record(person, days_ago=40, now=now)
    projector.drain()
    settle_due()
    (city,) = settled(metric="points", period="day", starts_on=forty_days_ago, scope="city")
    ids = [standing["resident_id"] for standing in city.standings]
    assert ids == sorted((person.resident_id for person in people), key=str, reverse=True)


@pytest.fixture
def show(client, admin_headers):
    """show(path, role) → the status and body that an admin is answered for a settled board."""

    def get(path, role="operator"):
        sent = admin_headers(role, **{"Accept-Language": "en"})
        answer = client.get(f"/api/v1/admin/leaderboards/{path}", headers=sent)
        return answer.status_code, answer.json

    return get


@pytest.fixture
def forty_days_ago():
    return today() - timedelta(days=40)


def test_admins_read_who_stood_where_whatever_came_later(deeds, new_resident, settle_due, show, forty_days_ago):
    with transaction():
        east = areas.add(code="east", title={"zh": "东", "en": "East"}, district=None, by="test").id
    people = [new_resident(f"r{number}", district_id=east) for number in range(3)]
    for number, person in enumerate(people):
        deeds.record(person, days_ago=40, metres=1_000 + 500 * number)
    projector.drain()
    settle_due()
    deeds.record(people[0], days_ago=40, metres=9_000, minute=60)
    projector.drain()
    for area in (None, "east"):
        status, board = show(f"co2e/day?at={forty_days_ago}" + (f"&area={area}" if area else ""), "fulfiller")
        assert (status, board["board"], board["area"], board["size"]) == (200, "co2e", area, 3)
        assert board["period"] == {"kind": "day", "starts_on": str(forty_days_ago), "ends_on": str(forty_days_ago)}
        expected = [(rank, person.resident_id, "active") for rank, person in enumerate(reversed(people), 1)]
        assert [(place["rank"], place["resident_id"], place["state"]) for place in board["items"]] == expected
        assert [place["score"] for place in board["items"]] == [190.6, 142.95, 95.3]
        assert [place["nickname"] for place in board["items"]] == ["r2", "r1", "r0"]
    assert [place["score"] for place in show(f"points/day?at={forty_days_ago}")[1]["items"]] == [19, 14, 9]


def test_a_board_that_is_not_settled_yet_says_so(deeds, resident, show, forty_days_ago):
    deeds.record(resident, days_ago=40)
    projector.drain()
    status, problem = show(f"points/day?at={forty_days_ago}")
    assert (status, problem["type"]) == (404, "not-found")
    assert "not settled" in problem["title"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("points/day", "at"),
        ("points/day?at=2026-W01", "at"),
        ("points/week?at=2999-W01", "at"),
        ("points/day?at=2026-01-01&area=nowhere", "area"),
    ],
)
def test_what_names_no_board_is_refused_by_field(show, path, field):
    status, problem = show(path)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
