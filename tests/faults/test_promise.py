"""The watching itself: a promise that is not kept is named, and so is a refusal that is none."""

import pytest

from tests.faults.promise import KINDS, Promise
from tests.faults.refusing import refused_for
from tests.faults.seen import Seen
from tests.faults.site import Answer
from tests.faults.time_outs import MARGIN_S, TimeOuts

HEADERS = {"Content-Type": "application/problem+json", "Retry-After": "2"}
BODY = {"type": "upstream-unavailable", "status": 503, "retry_after": 2, "title": "…"}
GOOD, REFUSED = Answer(200, {}, {}), Answer(503, HEADERS, BODY)
BEFORE, WITHIN, AFTER = 5.0, 15.0, 25.0
OTHERS = KINDS[1:]


def seen(*answers, kind="award"):
    """A fault from 10 to 20, and answers of one kind to what was asked at these seconds; each took one."""
    found = Seen(since=10.0, until=20.0)
    for began, answer in answers:
        found.note(kind, answer, began=began, ended=began + 1.0)
    return found


def broken(promise, found):
    return [words for words in promise.broken(found) if words.startswith(("award", "of"))]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(BEFORE, GOOD), (WITHIN, GOOD), (AFTER, GOOD)], []),
        ([(WITHIN, GOOD), (WITHIN, REFUSED)], ["award was refused 1 times of 2"]),
        ([(WITHIN, GOOD), (AFTER, REFUSED)], ["award was refused 1 times of 2"]),
        ([(BEFORE, GOOD), (AFTER, GOOD)], ["award was never answered well"]),
    ],
)
def test_what_must_go_on_working_is_answered_well_and_never_refused(answers, said):
    assert broken(Promise(works=KINDS, longest_s=9), seen(*answers)) == said


@pytest.mark.parametrize(("began", "said"), [(6.9, []), (7.1, ["award was refused 1 times of 3"])])
def test_whose_connection_was_cut_may_be_refused_at_first_only(began, said):
    found = seen((BEFORE, GOOD), (began, REFUSED), (WITHIN, GOOD))
    assert broken(Promise(works=KINDS, settles_s=3.0, longest_s=9), found) == said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(BEFORE, GOOD), (WITHIN, REFUSED), (AFTER, GOOD)], []),
        ([(9.9, GOOD), (WITHIN, REFUSED), (19.1, GOOD)], []),
        ([(WITHIN, REFUSED), (WITHIN, GOOD)], ["award was answered well 1 times of 2"]),
        ([(BEFORE, REFUSED), (AFTER, REFUSED)], ["award was never refused"]),
    ],
)
def test_what_cannot_work_is_refused_as_long_as_the_fault_is_in_force(answers, said):
    assert broken(Promise(refuses=KINDS, longest_s=9), seen(*answers)) == said


@pytest.mark.parametrize(("began", "said"), [(10.9, []), (11.0, ["board was answered well 1 times of 2"])])
def test_a_board_is_answered_for_a_second_by_what_a_process_knows(began, said):
    found = seen((began, GOOD), (WITHIN, REFUSED), kind="board")
    assert [words for words in Promise(refuses=KINDS, longest_s=9).broken(found) if words.startswith("board")] == said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(WITHIN, GOOD), (WITHIN, REFUSED)], []),
        ([(BEFORE, REFUSED), (WITHIN, GOOD), (AFTER, REFUSED)], ["of award, redeem nothing was refused"]),
    ],
)
def test_of_what_works_for_some_some_is_refused_while_the_fault_is_in_force(answers, said):
    assert broken(Promise(works=KINDS[2:], longest_s=9), seen(*answers)) == said


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(WITHIN, REFUSED), (WITHIN, GOOD)], []),
        ([(BEFORE, GOOD), (WITHIN, REFUSED), (AFTER, GOOD)], ["of award, redeem nothing was answered well"]),
        (
            [(BEFORE, GOOD), (AFTER, GOOD)],
            ["of award, redeem nothing was refused", "of award, redeem nothing was answered well"],
        ),
    ],
)
def test_where_some_must_be_served_a_site_that_refuses_everybody_is_named(answers, said):
    assert broken(Promise(works=KINDS[2:], some_work=True, longest_s=9), seen(*answers)) == said


@pytest.mark.parametrize(("longest_s", "said"), [(1.0, []), (0.9, ["award took 1.0 s, longer than 0.9 s"])])
def test_nobody_waits_longer_than_promised(longest_s, said):
    assert broken(Promise(works=("award",), refuses=OTHERS, longest_s=longest_s), seen((WITHIN, GOOD))) == said


@pytest.mark.parametrize(("kind", "said"), [("award", []), ("me", ["me took 1.0 s, longer than 0.9 s"])])
def test_an_award_alone_may_stand_in_line_first(kind, said):
    promise = Promise(longest_s=0.9, award_s=1.0)
    assert [words for words in promise.broken(seen((WITHIN, REFUSED), kind=kind)) if words.startswith(kind)] == said


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, HEADERS, {**BODY, "status": 500}),
        Answer(503, {"Content-Type": "application/problem+json"}, BODY),
        Answer(503, {**HEADERS, "Retry-After": "soon"}, BODY),
        Answer(503, {**HEADERS, "Retry-After": "3"}, BODY),
        Answer(503, {**HEADERS, "Retry-After": "60"}, {**BODY, "retry_after": 60}),
        Answer(503, {**HEADERS, "Content-Type": "application/json"}, BODY),
        Answer(503, {**HEADERS, "Content-Type": "text/html"}, b"busy"),
        Answer(503, HEADERS, {**BODY, "type": "internal-server-error"}),
    ],
)
def test_a_refusal_that_is_not_as_promised_is_wrong(answer):
    found = seen((WITHIN, answer))
    assert (len(found.wrong), found.outcomes) == (1, [])


def test_no_answer_at_all_is_wrong():
    assert seen((WITHIN, TimeoutError())).wrong == ["award: TimeoutError after 1.0 s"]


def test_whoever_sends_for_a_partner_is_told_of_one_second_and_asks_again():
    assert refused_for(503, {**HEADERS, "Retry-After": "1"}, {**BODY, "retry_after": 1}) == 1


@pytest.mark.parametrize(
    ("environment", "silent_s", "worst_s"), [({}, 12, 27), ({"DATABASE_TIMEOUT_MS": "1000"}, 5, 9)]
)
def test_the_longest_wait_follows_from_what_the_site_is_started_with(environment, silent_s, worst_s):
    waits = TimeOuts.of(environment)
    assert (waits.silent_s, waits.worst_s) == (silent_s + MARGIN_S, worst_s + MARGIN_S)
