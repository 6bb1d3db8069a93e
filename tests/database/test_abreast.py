"""Jobs side by side: in order, and nobody idle because one takes long."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock

import pytest

from backend.database.abreast import AHEAD, each

CURSORS = ["one", "two"]
"""Whatever each job has for itself."""
MOST = AHEAD * len(CURSORS)


@pytest.mark.parametrize("cursors", [CURSORS[:1], CURSORS])
def test_results_come_in_the_order_of_the_jobs(cursors):
    assert list(each(cursors, [partial(lambda place, _: place, place) for place in range(50)])) == list(range(50))


def test_others_go_on_while_the_first_takes_long():
    last_has_begun = Event()
    others = [lambda _: "short"] * (MOST - 2)

    def first(_):
        return last_has_begun.wait(10)

    def last(_):
        last_has_begun.set()
        return "last"

    assert list(each(CURSORS, [first, *others, last])) == [True, *["short"] * len(others), "last"]


def test_no_more_are_begun_than_may_wait_to_be_taken():
    begun, guard, all_begun = [], Lock(), Event()

    def job(place, _):
        with guard:
            begun.append(place)
            if len(begun) >= MOST:
                all_begun.set()
        return place

    results = each(CURSORS, [partial(job, place) for place in range(3 * MOST)])
    assert next(results) == 0
    assert all_begun.wait(10)
    assert max(begun) < MOST
    assert list(results) == list(range(1, 3 * MOST))


def test_a_jobs_error_is_raised_in_its_turn():
    def wrong(_):
        raise LookupError

    results = each(CURSORS, [lambda _: "right", wrong, lambda _: "right"])
    assert next(results) == "right"
    with pytest.raises(LookupError):
        next(results)


def test_what_nobody_asks_for_any_more_is_not_begun(monkeypatch):
    begun, both_begun, go_on = [], Event(), Event()
    leave = ThreadPoolExecutor.__exit__
    monkeypatch.setattr(ThreadPoolExecutor, "__exit__", lambda *given: (go_on.set(), leave(*given))[1])

    def job(_):
        begun.append(1)
        if len(begun) == len(CURSORS):
            both_begun.set()
        return go_on.wait(10)

    def wrong(_):
        assert both_begun.wait(10)
        raise LookupError

    results = each([*CURSORS, "three"], [wrong, *[job] * (MOST - 1)])
    with pytest.raises(LookupError):
        next(results)
    assert len(begun) <= len(CURSORS) + 1


def test_no_two_jobs_have_one_cursor_at_once():
    using, guard, wrong = set(), Lock(), []

    def job(cursor):
        with guard:
            wrong.extend({cursor} & using)
            using.add(cursor)
        with guard:
            using.remove(cursor)

    list(each(CURSORS, [job] * 200))
    assert not wrong
