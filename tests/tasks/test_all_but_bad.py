"""What fails of one resident in the jobs that expire costs no other, is told, and fails the job when all are done."""

from datetime import timedelta

import psycopg
import pytest
from celery.exceptions import Retry
from sqlalchemy import text
from structlog.testing import capture_logs

from backend import clock
from backend.database import db, transaction
from backend.rewards.models import Redemption
from tasks import chores
from tasks.chores import AllButBad, what_passes
from tests.books import differences, hold
from tests.projections import Deeds

POINTS = 19
LONG_AGO = timedelta(days=40)


@pytest.fixture
def due(jobs, settings, new_resident, monkeypatch):
    """Five residents with points that are due, of whom two expire at once, and three lots are found at once."""
    monkeypatch.setattr(jobs, "LOTS_CLOSED", 2)
    monkeypatch.setattr(jobs, "LOTS_FOUND", 3)
    people = [new_resident(f"r{number}") for number in range(5)]
    for person in people:
        Deeds(settings).record(person)
    _do("UPDATE lots SET expires_on = DATE '2026-01-31'")
    return [person.resident_id for person in people]


@pytest.fixture
def break_wallets(app):
    """break_wallets([7], -1) moves the number of the last entry, as a careless hand might have."""

    def move(owners, by):
        _do("UPDATE wallets SET entry_seq = entry_seq + :by WHERE resident_id = ANY(:owners)", by=by, owners=owners)

    return move


def _do(statement, **values):
    with transaction():
        db.session.execute(text(statement), values)


def open_lots():
    with transaction():
        rows = db.session.scalars(text("SELECT DISTINCT resident_id FROM lots WHERE NOT closed ORDER BY 1"))
        return rows.all()


def failing(job):
    """Residents for whom the job fails, by the lines in the log and by what it raises."""
    with capture_logs() as told, pytest.raises(ExceptionGroup) as failed:
        job()
    notes = [note for error in failed.value.exceptions for note in error.__notes__]
    logged = [line["resident_id"] for line in told if line["log_level"] == "error"]
    assert notes == [f"of resident {who}" for who in logged]
    return sorted(logged)


@pytest.mark.parametrize("places", [[0], [2], [4], [0, 1], [1, 3], [0, 1, 2], [0, 1, 2, 3, 4]])
def test_points_of_all_others_expire(jobs, due, break_wallets, places):
    bad = [due[place] for place in places]
    break_wallets(bad, -1)
    assert failing(jobs.expire_points) == bad
    assert open_lots() == bad
    break_wallets(bad, +1)
    assert differences() == []
    assert jobs.expire_points() == len(bad)
    assert differences() == []


def test_a_resident_whose_points_cannot_expire_is_tried_once_a_run_whatever_is_due(jobs, due, break_wallets):
    values = ", ".join(f"({due[0]}, DATE '2026-01-{day}', 1)" for day in range(10, 20))
    _do(f"INSERT INTO lots (resident_id, expires_on, remaining) VALUES {values}")
    break_wallets(due[:1], -1)
    assert failing(jobs.expire_points) == due[:1]
    assert open_lots() == due[:1]


def test_points_of_all_others_expire_while_somebody_else_holds_a_wallet_and_the_job_comes_back(jobs, due):
    with db.engine.connect() as other:
        other.execute(text("SELECT FROM wallets WHERE resident_id = :who FOR UPDATE"), {"who": due[4]})
        with pytest.raises(Retry):
            jobs.expire_points()
        assert open_lots() == due[4:]
    assert jobs.expire_points() == 1
    assert differences() == []


@pytest.fixture
def overdue(jobs, settings, new_resident, monkeypatch):
    """Three residents with two redemptions each that nobody collected; three are called off at once."""
    monkeypatch.setattr(jobs, "PAGE", 3)
    people = [new_resident(f"r{number}") for number in range(3)]
    then = clock.now() - LONG_AGO
    common = {"reward_id": 1, "reward_version": 1, "quantity": 1, "points": 5, "status": "reserved"}
    for person in people:
        Deeds(settings).record(person)
        with transaction():
            for seq in (1, 2):
                hold(person.resident_id, 5)
                whose = {"resident_id": person.resident_id, "seq": seq}
                times = {"redeemed_at": then, "expires_at": then + timedelta(days=seq)}
                db.session.add(Redemption(**common, **whose, **times, voucher_codes=[]))
    return [person.resident_id for person in people]


def reserved():
    with transaction():
        rows = db.session.execute(
            text("SELECT resident_id, seq FROM redemptions WHERE status = 'reserved' ORDER BY 1, 2")
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("places", [[0], [2], [0, 1, 2]])
def test_all_other_redemptions_are_called_off(jobs, overdue, places):
    bad = [overdue[place] for place in places]
    _do("UPDATE holds SET reference_id = 100 WHERE reference_id = 1 AND resident_id = ANY(:bad)", bad=bad)
    assert failing(jobs.expire_redemptions) == bad
    assert reserved() == [(who, 1) for who in bad]
    _do("UPDATE holds SET reference_id = 1 WHERE reference_id = 100")
    assert jobs.expire_redemptions() == len(bad)
    assert differences() == []


def test_where_nothing_is_wrong_all_are_called_off(jobs, overdue):
    assert jobs.expire_redemptions() == 6
    assert reserved() == []
    assert differences() == []


def step_all_but(guilty, calls, error=KeyError):
    def step(things):
        calls.append([thing[0] for thing in things])
        if guilty.intersection(calls[-1]):
            raise error
        return len(things)

    return step


THINGS = [(who, part) for who in range(4) for part in range(2)]


def test_what_nothing_is_wrong_with_is_done_at_once(app):
    calls, run = [], AllButBad("work", key=lambda thing: thing[0])
    assert run.do(THINGS, step_all_but(set(), calls)) == [8]
    assert calls == [[who for who, _ in THINGS]]
    assert run.do([], step_all_but(set(), calls)) == []
    assert len(calls) == 1
    run.end()


def test_what_failed_is_never_looked_at_again_in_the_same_run(app):
    calls, run = [], AllButBad("work", key=lambda thing: thing[0])
    assert sum(run.do(THINGS, step_all_but({2}, calls))) == 6
    assert calls.count([2]) == 1  # there are two things of the same
    calls.clear()
    assert run.do(THINGS, step_all_but({2}, calls)) == [6]
    assert calls == [[0, 0, 1, 1, 3, 3]]


@pytest.mark.parametrize("error", [psycopg.errors.DiskFull, psycopg.errors.QueryCanceled, psycopg.OperationalError])
def test_what_is_nobodys_affair_is_raised_at_once(app, error):
    calls, run = [], AllButBad("work", key=lambda thing: thing[0])
    with pytest.raises(error):
        run.do(THINGS, step_all_but({2}, calls, error))
    assert len(calls) == 1


def test_of_whom_somebody_else_holds_the_rest_is_done_and_then_nobody_is_waited_for_long(app):
    calls, waits, run = [], [], AllButBad("work", key=lambda thing: thing[0])
    step = step_all_but({2}, calls, psycopg.errors.LockNotAvailable)

    def looking(things):
        waits.append(db.session.scalar(text("SHOW lock_timeout")))
        return step(things)

    assert sum(run.do(THINGS, looking)) == 6
    assert run.bad == {2}
    first, *others = waits
    assert first != f"{chores.HELD_MS}ms"
    assert set(others) == {f"{chores.HELD_MS}ms"}
    with pytest.raises(ExceptionGroup) as failed:
        run.end()
    assert isinstance(what_passes(failed.value), psycopg.errors.LockNotAvailable)


def test_where_too_many_are_held_the_run_ends_at_once(app, monkeypatch):
    monkeypatch.setattr(chores, "MOST_HELD", 2)
    calls, run = [], AllButBad("work", key=lambda thing: thing[0])
    with pytest.raises(psycopg.errors.LockNotAvailable):
        run.do(THINGS, step_all_but({0, 1, 2, 3}, calls, psycopg.errors.LockNotAvailable))
    assert len(calls) == 3


def test_what_fails_of_too_many_ends_the_run(app, monkeypatch):
    everybody = step_all_but({0, 1, 2, 3}, [])
    for most in (4, 3):
        monkeypatch.setattr(chores, "MOST_FAILED", most)
        run = AllButBad("work", key=lambda thing: thing[0])
        if most == 4:
            assert run.do(THINGS, everybody) == []
            with pytest.raises(ExceptionGroup, match="all others are done"):
                run.end()
        else:
            with pytest.raises(ExceptionGroup, match="too much fails"):
                run.do(THINGS, everybody)
