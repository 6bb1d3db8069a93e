"""The accounting itself: whatever is half there, there twice, or there without a request is named."""

from dataclasses import replace

import pytest

from tests.faults.accounting import Stored, differences
from tests.faults.diary import ABANDONED, DONE, Request

NOTHING = Stored(residents=[], keys={}, actions={}, redemptions={}, events={}, vouchers={}, bound={})


def page(*about, state=ABANDONED, statuses=()):
    """`statuses`: what the partner was told of each event."""
    lines = zip(about, statuses or ["unbound"] * len(about), strict=True)
    results = [{"external_id": number, "status": status} for number, status in lines]
    body = {"results": results} if state == DONE else None
    return Request("p/1", "page", "lin", "", list(about), state=state, body=body)


def with_events(*numbers):
    return replace(NOTHING, events=dict.fromkeys(numbers, (None, "somebody")))


@pytest.mark.parametrize("there", [(), ("a", "b", "c")])
def test_a_page_that_nobody_acknowledged_may_be_there_whole_or_not_at_all(there):
    assert differences(with_events(*there), [page("a", "b", "c")]) == []


@pytest.mark.parametrize("there", [("a",), ("a", "c"), ("b", "c")])
def test_a_page_of_which_some_is_there_is_named(there):
    (found,) = differences(with_events(*there), [page("a", "b", "c")])
    assert found == f"of a page's 3 events only some are there: {list(there)}"


def test_what_another_page_has_brought_makes_no_page_half_there():
    assert differences(with_events("a", "b"), [page("a", "b", state=DONE), page("b", "c")]) == []


def test_what_another_page_has_brought_does_not_hide_a_page_half_there():
    (found,) = differences(with_events("a", "b", "c"), [page("a", "b", state=DONE), page("b", "c", "d")])
    assert found == "of a page's 3 events only some are there: ['c']"


def test_an_acknowledged_page_of_which_an_event_is_lost_is_named():
    assert "event b was acknowledged, and is not there" in differences(with_events("a"), [page("a", "b", state=DONE)])


@pytest.mark.parametrize("statuses", [("unbound", "unbound"), ("duplicate", "duplicate")])
def test_a_page_sent_again_was_there_whole_or_not_at_all(statuses):
    assert differences(with_events("a", "b"), [page("a", "b", state=DONE, statuses=statuses)]) == []


def test_a_page_of_which_an_earlier_try_has_left_some_is_named():
    (found,) = differences(with_events("a", "b"), [page("a", "b", state=DONE, statuses=("duplicate", "credited"))])
    assert found.startswith("an earlier try has left 1 of the 2 events")


@pytest.mark.parametrize("other", [page("b"), page("b", state=DONE)])
def test_what_another_page_has_told_of_may_be_a_duplicate(other):
    sent_again = page("a", "b", state=DONE, statuses=("credited", "duplicate"))
    assert differences(with_events("a", "b"), [other, sent_again]) == []


def batch(results):
    actions = {one["id"]: (one["status"], one["co2e_g"] * 1000, one["points"]) for one in results}
    stored = replace(NOTHING, keys={("7", "k"): (200, {"results": results})}, actions=actions)
    return stored, Request("b/1", "batch", "7", "k", ["x", "y"], state=ABANDONED)


def credited(number):
    return {"id": number, "status": "credited", "co2e_g": 2, "points": 3}


def test_actions_sent_together_are_in_the_stored_answer_all_of_them():
    stored, request = batch([credited("7-1"), credited("7-2")])
    assert differences(stored, [request]) == []


def test_a_batch_whose_answer_lacks_one_of_its_actions_is_named():
    stored, request = batch([credited("7-1")])
    (found,) = differences(stored, [request])
    assert found.startswith("of 2 actions sent together 1 are in the answer")


def test_a_batch_of_which_an_action_is_there_without_an_answer_is_named():
    _, request = batch([])
    stored = replace(NOTHING, actions={"7-1": ("credited", 2000, 3)})
    assert differences(stored, [request]) == ["action 7-1 is there, and belongs to no request"]


def test_a_batch_whose_answer_is_there_without_an_action_is_named():
    stored, request = batch([credited("7-1"), credited("7-2")])
    del stored.actions["7-2"]
    assert differences(stored, [request]) == ["action 7-2 was acknowledged, and is not there"]


BOUND = {("7", "k"): (201, {"subject": "bike-7"})}


@pytest.mark.parametrize(
    ("keys", "bound", "found"),
    [
        (BOUND, {"bike-7": "7"}, []),
        ({}, {}, []),
        (BOUND, {}, ["7 was told to have bound bike-7, whose owner is None"]),
        ({}, {"bike-7": "7"}, ["bike-7 is bound to 7, and belongs to no request"]),
    ],
)
def test_a_binding_and_its_answer_are_there_together_or_not_at_all(keys, bound, found):
    request = Request("b/1", "binding", "7", "k", state=ABANDONED)
    assert differences(replace(NOTHING, keys=keys, bound=bound), [request]) == found
