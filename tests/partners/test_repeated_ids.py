"""Of a page's events with one external id the first that is not refused counts, whoever they belong to."""

from random import Random

import pytest

from tests.books import differences

BOUND = ("u-1", "u-2", "u-3")
"""Residents with rising numbers."""
STRANGER = "nobody-yet"
ROUNDS = 20
EVENTS = 10
IDS = 4
SOUND = 0.7
TOO_SHORT = 1


@pytest.fixture
def page(send, known):
    """page(events) → what became of each."""
    for subject in BOUND:
        known(subject)
    return lambda events: [line["status"] for line in send(events)["results"]]


@pytest.fixture
def declare(client, headers):
    """declare(resident, event) → the resident's own record of that ride."""

    def post(resident, event):
        body = {name: event[name] for name in ("task", "started_at", "activity")}
        answer = client.post(
            "/api/v1/actions", json={**body, "occurred_at": event["ended_at"]}, headers=headers(resident)
        )
        assert answer.status_code == 201, answer.text

    return post


@pytest.mark.parametrize("subjects", [BOUND, BOUND[::-1]])
@pytest.mark.parametrize("hours", [(9, 6, 3), (3, 6, 9)])
def test_the_first_counts_whatever_their_residents_numbers_and_times(page, ride, rows, subjects, hours):
    events = [ride("same", subject=subject, hours_ago=ago) for subject, ago in zip(subjects, hours, strict=True)]
    assert page(events) == ["credited", "duplicate", "duplicate"]
    assert rows("SELECT subject FROM actions JOIN bindings USING (resident_id)") == [(subjects[0],)]
    assert differences(with_actions=True) == []


def test_the_first_of_one_resident_counts_too(page, ride, rows):
    assert page([ride("same", hours_ago=3, metres=3000), ride("same", hours_ago=9)]) == ["credited", "duplicate"]
    assert rows("SELECT quantity FROM actions") == [(3000,)]


@pytest.mark.parametrize(
    ("subjects", "statuses"),
    [
        ((STRANGER, "u-1", STRANGER), ["unbound", "duplicate", "duplicate"]),
        (("u-1", STRANGER, "u-2"), ["credited", "duplicate", "duplicate"]),
    ],
)
def test_the_first_has_it_though_nobody_has_bound_its_subject(page, ride, rows, subjects, statuses):
    events = [ride("same", subject=subject, hours_ago=3 * place + 1) for place, subject in enumerate(subjects)]
    assert page(events) == statuses
    assert page(events) == ["duplicate"] * 3
    assert rows("SELECT external_id, coalesce(subject, 'credited') FROM external_events") == [
        ("same", STRANGER if subjects[0] == STRANGER else "credited")
    ]


def test_what_is_refused_takes_no_id_from_those_after_it(page, ride):
    def event(place, subject, **more):
        return ride("same", subject=subject, hours_ago=20 - 2 * place, **more)

    events = [event(0, "u-3", metres=TOO_SHORT), event(1, STRANGER, metres=TOO_SHORT), event(2, "u-2", task="fly")]
    events += [event(3, "u-1", metres=TOO_SHORT), event(4, "u-3"), event(5, "u-1"), event(6, STRANGER)]
    assert page(events) == [*["refused"] * 4, "credited", "duplicate", "duplicate"]
    assert differences(with_actions=True) == []


@pytest.mark.parametrize("first_is_refused", [False, True])
def test_a_trip_that_a_declared_one_gives_way_to_keeps_its_turn(
    page, ride, new_resident, bind, declare, rows, first_is_refused
):
    """It is judged again after the reversal; those after it in the page wait for it, and those before it do not."""
    late, later = new_resident(), new_resident()
    bind(late, "late")
    bind(later, "later")
    replacing = ride("same", subject="later", hours_ago=5)
    also = ride("other", subject="late", hours_ago=9)
    declare(later, replacing)
    declare(late, also)
    before = [ride("same", subject="late", hours_ago=30, metres=TOO_SHORT)] if first_is_refused else []
    events = [*before, replacing, also, ride("same", subject="u-1"), ride("other", subject="u-2"), ride("third")]
    assert page(events) == [*["refused"] * len(before), *["credited"] * 2, *["duplicate"] * 2, "credited"]
    assert sorted(rows("SELECT tier, status, count(*) FROM actions GROUP BY 1, 2")) == [
        ("declaration", "reversed", 2),
        ("partner", "credited", 3),
    ]
    assert differences(with_actions=True) == []


def test_any_page_comes_to_what_its_events_come_to_one_after_the_other(page, known, ride):
    random = Random(1)
    for number in range(ROUNDS):
        subjects = [f"{name}-{number}" for name in "abc"]
        known(*random.sample(subjects, 3))
        days, taken, events, expected = random.sample(range(EVENTS), EVENTS), set(), [], []
        for day in days:
            external_id, subject = f"{number}-{random.randrange(IDS)}", random.choice([*subjects, STRANGER])
            sound = random.random() < SOUND
            metres = 2000 if sound else TOO_SHORT
            # A day of its own for each: nothing overlaps, and no limit is reached.
            events.append(ride(external_id, subject=subject, hours_ago=24 * day + 1, metres=metres))
            expected.append(_status(subject, external_id, sound=sound, taken=taken))
        assert page(events) == expected, (number, events)
    assert differences(with_actions=True) == []


def _status(subject, external_id, *, sound, taken):
    if not sound:
        return "refused"
    if external_id in taken:
        return "duplicate"
    taken.add(external_id)
    return "unbound" if subject == STRANGER else "credited"
