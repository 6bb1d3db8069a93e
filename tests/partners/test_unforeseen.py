"""What PostgreSQL refuses of one event, though no rule does, costs no other event of its page."""

import psycopg
import pytest
from structlog.testing import capture_logs

from backend import metrics
from backend.actions import in_parts, partner_feed
from backend.actions.in_parts import MOST_REFUSED, credit_in_parts
from backend.database import db, transaction
from tests.books import differences

SUBJECTS = [f"u-{number}" for number in range(1, 8)]
BROKEN = "u-4"
REFUSED = {"status": "refused", "reason": "internal-error"}
FINE = {"status": "credited"}


@pytest.fixture
def break_wallet(app):
    """break_wallet(subject, by) moves the number of the resident's last action, as a careless hand might have."""

    def move(subject, by):
        with transaction():
            db.session.execute(
                db.text(
                    "UPDATE wallets SET action_seq = action_seq + :by FROM bindings"
                    " WHERE bindings.resident_id = wallets.resident_id AND subject = :subject"
                ),
                {"by": by, "subject": subject},
            )

    return move


@pytest.fixture
def broken(send, known, ride, break_wallet):
    """All subjects have an action, and the wallet of one no longer fits its own."""
    for subject in SUBJECTS:
        known(subject)
    send([ride(f"before-{subject}", subject=subject, hours_ago=30) for subject in SUBJECTS])
    break_wallet(BROKEN, -1)


def outcomes(answer):
    return {
        line["external_id"]: {name: line[name] for name in ("status", "reason") if name in line}
        for line in answer["results"]
    }


def page_of(ride, subjects):
    return [ride(f"{hours}-{one}", subject=one, hours_ago=hours) for hours in (9, 6) for one in subjects]


def test_all_others_are_credited_and_the_log_says_which_was_not(broken, send, ride, rows, break_wallet):
    with capture_logs() as told:
        found = outcomes(send(page_of(ride, SUBJECTS[::-1])))
    # A number is taken where the wallet says that it is free; the next event meets the same.
    assert found == {f"{hours}-{one}": REFUSED if one == BROKEN else FINE for hours in (9, 6) for one in SUBJECTS}
    assert sorted(line["external_id"] for line in told if line["log_level"] == "error") == [
        f"{6}-{BROKEN}",
        f"{9}-{BROKEN}",
    ]
    assert rows("SELECT count(*) FROM actions") == [(3 * len(SUBJECTS) - 2,)]
    break_wallet(BROKEN, +1)
    assert differences(with_actions=True) == []


def test_it_is_counted_as_refused_and_a_bug_elsewhere_is_not(broken, send, ride, app, client, monkeypatch):
    count = metrics.REFUSALS.labels(REFUSED["reason"])._value

    def fail():
        raise ValueError("a bug")

    before = count.get()
    endpoint, _ = app.url_map.bind("localhost").match("/api/v1/public/totals")
    monkeypatch.setitem(app.view_functions, endpoint, fail)
    answer = client.get("/api/v1/public/totals")
    assert (answer.status_code, answer.json["type"]) == (500, "internal-error")
    assert count.get() == before
    send([ride("again", subject=BROKEN)])
    assert count.get() == before + 1


def test_what_was_refused_so_can_come_again_when_it_is_mended(broken, send, ride, break_wallet):
    page = page_of(ride, SUBJECTS)
    send(page)
    break_wallet(BROKEN, +1)
    duplicate = {"status": "duplicate", "reason": "duplicate-action"}
    assert outcomes(send(page)) == {
        f"{hours}-{one}": FINE if one == BROKEN else duplicate for hours in (9, 6) for one in SUBJECTS
    }
    assert differences(with_actions=True) == []


def test_a_page_of_one_such_event_is_answered_too(broken, send, ride):
    assert outcomes(send([ride("x", subject=BROKEN)])) == {"x": REFUSED}


def test_residents_keep_the_order_of_their_events(broken, send, ride, rows):
    later, earlier = (ride(f"{hours}", subject="u-1", hours_ago=hours) for hours in (3, 9))
    send([later, ride("x", subject=BROKEN), earlier])
    query = "SELECT external_id FROM external_events JOIN bindings USING (resident_id) WHERE bindings.subject = 'u-1'"
    assert rows(f"{query} ORDER BY action_seq") == [("before-u-1",), ("9",), ("3",)]


def test_what_is_wrong_with_all_of_them_fails_the_page(broken, send, ride, monkeypatch, rows):
    monkeypatch.setattr(in_parts, "MOST_REFUSED", 1)
    events = rows("SELECT count(*) FROM external_events")
    send([ride("fine", subject="u-1"), *page_of(ride, [BROKEN])], status=500)
    assert rows("SELECT count(*) FROM external_events") == events


def credit_all_but(guilty, calls, error=psycopg.errors.CheckViolation):
    def credit(part):
        calls.append(list(part))
        if guilty.intersection(part):
            raise error
        return [f"credited {one}" for one in part]

    return credit


@pytest.mark.parametrize("guilty", [set(), {0}, {6}, {2, 3}, {0, 3, 6}])
@pytest.mark.parametrize(
    "error", [psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange, psycopg.errors.RaiseException]
)
def test_each_part_is_credited_once_and_in_order(guilty, error):
    calls, places = [], [5, 1, 4, 0, 3, 6, 2]
    results = credit_in_parts(places, credit_all_but(guilty, calls, error), refuse=lambda place, _: f"refused {place}")
    assert results == {one: f"{'refused' if one in guilty else 'credited'} {one}" for one in places}
    credited = [one for part in calls if not guilty.intersection(part) for one in part]
    assert credited == [one for one in places if one not in guilty]


def test_more_than_so_many_are_not_one_events_affair():
    guilty = set(range(MOST_REFUSED + 1))
    with pytest.raises(psycopg.errors.CheckViolation):
        credit_in_parts(range(500), credit_all_but(guilty, []), refuse=lambda *_: "refused")
    fewer = credit_in_parts(range(500), credit_all_but(guilty - {0}, []), refuse=lambda *_: "refused")
    assert list(fewer.values()).count("refused") == MOST_REFUSED


@pytest.mark.parametrize("error", [psycopg.errors.DiskFull, psycopg.errors.QueryCanceled, psycopg.OperationalError])
def test_what_is_no_events_affair_is_raised_at_once(error):
    calls = []
    with pytest.raises(error):
        credit_in_parts(range(8), credit_all_but({7}, calls, error), refuse=lambda *_: "refused")
    assert calls == [[0, 1, 2, 3], [4, 5, 6, 7]]


@pytest.mark.parametrize(("times", "status"), [(partner_feed.ATTEMPTS - 1, 200), (partner_feed.ATTEMPTS, 503)])
def test_others_with_the_same_records_are_met_so_often_and_then_waited_for_elsewhere(
    send, ride, known, monkeypatch, times, status
):
    known("u-1")
    usual, met = partner_feed.record_many, [psycopg.errors.DeadlockDetected] * times

    def deadlock(*given, **more):
        if met:
            raise met.pop()
        return usual(*given, **more)

    monkeypatch.setattr(partner_feed, "record_many", deadlock)
    answer = send([ride("x")], status=status)
    assert answer.get("type") == ("upstream-unavailable" if status != 200 else None)
    assert answer.get("credited") == (1 if status == 200 else None)
