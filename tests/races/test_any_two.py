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
def test_with_the_first_stopped_at_its_last_point_no_two_things_hurt_each_other(app, scene_of, settings, first):
    """The last point: before the commit, with all locks held, or between the one read and the one write."""
    with watched() as watcher:
        rehearsal = Participant(app, scene_of(first, first)().first, stop_at=None)
        rehearsal.outcome()
        schedule = Schedule(len(rehearsal.passed) - 1, None)
        for second in THINGS:
            scene = scene_of(first, second)()
            race(app, scene.first, scene.second, schedule=schedule, watcher=watcher)
    assert everything_wrong(cap_day=settings.points_cap_day) == []


@pytest.mark.skipif(not THOROUGH, reason="takes ten minutes: RACES=long")
@pytest.mark.parametrize("first", THINGS)
def test_every_schedule_of_any_two_things_comes_to_what_one_after_the_other_does(app, scene_of, settings, first):
    for second in THINGS:
        found = []
        for raced, scene in every_schedule(app, scene_of(first, second), both=False):
            db.session.rollback()
            found.append((raced.first, raced.second, scene.after()))
        # Stopped before its first point the first comes second; never stopped, it comes first.
        assert set(found) == {found[0], found[-1]}, second
    assert everything_wrong(cap_day=settings.points_cap_day) == []
