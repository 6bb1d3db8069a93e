"""Whatever two things happen to one resident at the same moment: it is as if one had come after the other."""

from types import SimpleNamespace

import pytest

from backend.database import db
from tests.interleaving import Participant, Schedule, every_schedule, race, watched
from tests.properties.invariants import everything_wrong
from tests.races.any_two import THINGS, Somebody
from tests.races.conftest import THOROUGH, Scene


@pytest.fixture
def world(settings, somebody, new_reward, give, bikes):
    """What somebody is made of."""
    return SimpleNamespace(settings=settings, somebody=somebody, new_reward=new_reward, give=give, secret=bikes.secret)


@pytest.fixture
def scene_of(world):
    """scene_of("award", "leave") → a function that makes a new resident to whom both will happen."""

    def make(first, second):
        def scene():
            who = Somebody(world)
            todo = who.things_to_do()
            return Scene(todo[first], todo[second], who.standing)

        return scene

    return make


@pytest.mark.parametrize("first", THINGS)
def test_any_two_things_at_once_come_to_what_one_after_the_other_does(app, scene_of, settings, first):
    """Stopped at its last point: before the commit, with all locks held, or between the one read and the one write.

    RACES=long takes each two in both orders, stops the first at each of its points, and compares.
    """
    if THOROUGH:
        for second in THINGS:
            at_every_point(app, scene_of(first, second))
    else:
        schedule = Schedule(last_point(app, scene_of(first, first)().first), None)
        for second in (second for second in THINGS if in_this_order(first, second)):
            scene = scene_of(first, second)()
            with watched() as watcher:
                race(app, scene.first, scene.second, schedule=schedule, watcher=watcher)
    assert everything_wrong(cap_day=settings.points_cap_day, zone=settings.city_time_zone.key) == []


def in_this_order(first, second):
    """One of two orders for each two things."""
    one, other = THINGS.index(first), THINGS.index(second)
    return one == other or (one < other) == ((one + other) % 2 == 0)


def last_point(app, call):
    """The number of the last point of a call, which is made for it."""
    with watched():
        rehearsal = Participant(app, call, stop_at=None)
        rehearsal.outcome()
    return len(rehearsal.passed) - 1


def at_every_point(app, make_scene):
    found = []
    for raced, scene in every_schedule(app, make_scene, both=False):
        db.session.rollback()
        found.append((raced.first, raced.second, scene.after()))
    # Stopped before its first point the first comes second; never stopped, it comes first.
    assert set(found) == {found[0], found[-1]}
