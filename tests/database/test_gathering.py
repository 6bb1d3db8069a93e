"""Group commit: who leads, who goes along, who waits, and that nobody is forgotten."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.database.gathering import Gathering, LineTimeoutError, Member

PATIENCE_S = 20


class Line(Gathering):
    """Notes who was dealt with together and apart; a leader waits inside until it is let go."""

    def __init__(self, *, most=10, leaders=1):
        super().__init__(most=most, leaders=leaders)
        self.groups, self.parts = [], []
        self.inside, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.leave_over = self.fail = lambda _members: False
        self.before_late = lambda: None

    def together(self, members):
        self.groups.append([member.name for member in members])
        self.inside.release()
        assert self.go.acquire(timeout=PATIENCE_S)
        if self.fail(members):
            raise ValueError("the group failed")
        return [members] if self.leave_over(members) else []

    def apart(self, members, *, late):
        self.before_late()
        members = [*members, *late()]
        self.parts.append([member.name for member in members])
        if self.fail(members):
            raise ValueError("the part failed")

    def waiting(self, number):
        """Until so many stand in line."""
        until = time.monotonic() + PATIENCE_S
        while len(self._line) < number:
            assert time.monotonic() < until
            time.sleep(0.001)


class One(Member):
    """A member with a name."""

    __slots__ = ("name",)

    def __init__(self, name, owner=None):
        super().__init__(owner or id(self))
        self.name = name


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as made:
        yield made


@pytest.fixture
def enter(pool):
    """enter(line, member) → the future of its way through."""
    return lambda line, member, seconds=PATIENCE_S: pool.submit(line.through, member, seconds=seconds)


def led_by(enter, line, name="first", owner=None):
    future = enter(line, One(name, owner))
    assert line.inside.acquire(timeout=PATIENCE_S)
    return future


def followed_by(enter, line, *members):
    """The futures of members who have come to stand in line, one after the other."""
    futures = []
    for member in members:
        futures.append(enter(line, member))
        line.waiting(len(futures))
    return futures


def test_who_comes_meanwhile_is_dealt_with_together_next(enter):
    line = Line()
    futures = [led_by(enter, line), *followed_by(enter, line, *(One(number) for number in range(3)))]
    line.go.release(2)
    for future in futures:
        future.result(PATIENCE_S)
    assert line.groups == [["first"], [0, 1, 2]]


def test_no_group_is_larger_than_the_most(enter):
    line = Line(most=2)
    futures = [led_by(enter, line), *followed_by(enter, line, *(One(number) for number in range(3)))]
    line.go.release(3)
    for future in futures:
        future.result(PATIENCE_S)
    assert line.groups == [["first"], [0, 1], [2]]


def test_two_leaders_work_at_once_but_never_for_one_owner(enter):
    line = Line(leaders=2)
    futures = [led_by(enter, line, "a1", owner=1), led_by(enter, line, "b1", owner=2)]
    futures.append(enter(line, One("a2", owner=1)))
    line.waiting(1)
    futures.append(enter(line, One("b2", owner=2)))
    line.waiting(2)
    line.go.release()
    # Whichever is done first, only its own owner's next may follow.
    assert line.inside.acquire(timeout=PATIENCE_S)
    line.go.release(3)
    for future in futures:
        future.result(PATIENCE_S)
    assert sorted(map(tuple, line.groups)) == [("a1",), ("a2",), ("b1",), ("b2",)]


def test_an_owner_waits_although_a_leader_is_wanted(enter):
    line = Line(leaders=2)
    first = led_by(enter, line, "a1", owner=1)
    second = enter(line, One("a2", owner=1))
    line.waiting(1)
    other = led_by(enter, line, "b1", owner=2)
    line.go.release(3)
    for future in (first, second, other):
        future.result(PATIENCE_S)
    assert line.groups[0] == ["a1"]
    assert ["a2"] in line.groups


def test_what_a_group_leaves_over_is_dealt_with_apart_by_one_of_them(enter):
    line = Line()
    line.leave_over = lambda members: len(members) > 1
    futures = [led_by(enter, line), *followed_by(enter, line, *(One(number, owner=1) for number in range(2)))]
    line.go.release(2)
    for future in futures:
        future.result(PATIENCE_S)
    assert line.parts == [[0, 1]]
    assert line._busy == set()


@pytest.mark.parametrize("fails", [False, True])
def test_who_comes_while_a_part_waits_goes_along_if_it_is_of_the_same_owner(enter, fails):
    line = Line(most=4)
    line.leave_over = lambda members: members[0].owner == 1
    line.fail = lambda members: fails and len(members) == 4
    along, others = [], []

    def come():
        if not others:
            others.append(enter(line, One("other", owner=2)))
            # One too many for the part, which then comes after it.
            along.extend(followed_by(enter, line, *(One(name, owner=1) for name in ("late", "later", "latest"))))

    line.before_late = come
    first = led_by(enter, line)
    along += followed_by(enter, line, *(One(number, owner=1) for number in range(2)))
    line.go.release(2)
    for future in (first, *along[:2]):
        if fails and future is not first:
            with pytest.raises(ValueError, match="the part failed"):
                future.result(PATIENCE_S)
        else:
            future.result(PATIENCE_S)
    assert line.parts[0] == [0, 1, "late", "later"]
    line.go.release(2)
    assert [type(future.exception(PATIENCE_S)) for future in along[2:4]] == [ValueError if fails else type(None)] * 2
    for future in (along[4], *others):
        future.result(PATIENCE_S)
    assert (line._line, line._busy, line._wanted) == ([], set(), 1)


def test_an_error_of_a_group_reaches_each_of_them_and_the_next_group_is_led(enter):
    line = Line()
    line.fail = lambda members: len(members) > 1
    futures = [led_by(enter, line), *followed_by(enter, line, *(One(number) for number in range(2)))]
    line.go.release(2)
    futures[0].result(PATIENCE_S)
    for future in futures[1:]:
        with pytest.raises(ValueError, match="the group failed"):
            future.result(PATIENCE_S)
    line.go.release()
    enter(line, One("after")).result(PATIENCE_S)


def test_an_error_of_a_part_reaches_each_of_it(enter):
    line = Line()
    line.leave_over = lambda members: len(members) > 1
    futures = [led_by(enter, line), *followed_by(enter, line, *(One(number, owner=1) for number in range(2)))]
    line.fail = lambda _members: bool(line.parts)
    line.go.release(2)
    for future in futures[1:]:
        with pytest.raises(ValueError, match="the part failed"):
            future.result(PATIENCE_S)
    assert line._busy == set()


def test_what_came_of_a_member_stands_whatever_a_part_meets_after_it(enter):
    class Settling(Line):
        def apart(self, members, *, late):
            members[self.settles].settled = True
            super().apart(members, late=late)

    for settles in (0, 1):
        line = Settling()
        line.settles = settles
        line.leave_over = lambda members: len(members) > 1
        line.fail = lambda _members, line=line: bool(line.parts)
        led = led_by(enter, line)
        futures = followed_by(enter, line, *(One(number, owner=1) for number in range(2)))
        line.go.release(2)
        led.result(PATIENCE_S)
        raised = [type(future.exception(PATIENCE_S)) for future in futures]
        assert raised == [ValueError if number != settles else type(None) for number in range(2)]
        assert (line._line, line._busy, line._wanted) == ([], set(), 1)


def test_who_waits_too_long_leaves_and_the_others_are_served(enter):
    line = Line()
    first = led_by(enter, line)
    gone = enter(line, One("gone"), 0.01)
    with pytest.raises(LineTimeoutError):
        gone.result(PATIENCE_S)
    stays = enter(line, One("stays"))
    line.waiting(1)
    line.go.release(2)
    for future in (first, stays):
        future.result(PATIENCE_S)
    assert line.groups == [["first"], ["stays"]]


def test_of_a_thousand_that_come_and_go_nobody_is_forgotten_or_served_twice(pool):
    served = []

    class Busy(Line):
        def together(self, members):
            served.extend(member.name for member in members if member.name % 5)
            return [[member] for member in members if not member.name % 5]

        def apart(self, members, *, late):
            served.extend(member.name for member in [*members, *late()])

    line = Busy(leaders=2, most=4)
    list(pool.map(lambda name: line.through(One(name, owner=1 + name), seconds=PATIENCE_S), range(1000)))
    assert sorted(served) == list(range(1000))
    assert (line._line, line._busy, line._wanted) == ([], set(), 2)
