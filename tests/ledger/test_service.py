"""The ledger's verbs: every movement keeps Σ entries = balance = Σ lots."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text

from backend import clock
from backend.database import db, transaction
from backend.ledger import posting, spending
from backend.ledger import service as ledger
from backend.ledger.models import DEBT, LedgerEntry, Lot
from backend.ledger.service import Reference
from tests.books import differences, hold


@pytest.fixture
def books(app, resident, settings):
    """Runs a verb on the resident's locked wallet, in a transaction of its own."""

    class Books:
        resident_id = resident.resident_id

        def do(self, verb, **given):
            with transaction():
                wallet = ledger.lock_wallet(self.resident_id)
                result = verb(wallet, now=given.pop("now", clock.now()), **given)
            assert differences() == []
            return result

        def earn(self, points, ref, **more):
            self.do(
                ledger.award, points=points, reference=Reference("action", ref), year=2026, settings=settings, **more
            )

        def hold(self, points):
            with transaction():
                held = hold(self.resident_id, points)
            assert differences() == []
            return held

        def take_back(self, points, ref):
            self.do(ledger.claw_back, points=points, reference=Reference("action", ref), year=2026)

        def wallet(self):
            db.session.expire_all()
            return ledger.lock_wallet(self.resident_id)

        def lots(self):
            rows = db.session.execute(select(Lot.expires_on, Lot.remaining).order_by(Lot.expires_on))
            return {day: left for day, left in rows if left}

    return Books()


def test_spending_takes_what_expires_first(books):
    for ref, (points, days) in enumerate([(30, 110), (50, 70), (20, 0)], start=1):
        books.earn(points, ref, now=clock.now() - timedelta(days=days))
    first, second = books.hold(40), books.hold(40)
    assert [[points for _day, points in held.lots] for held in (first, second)] == [[30, 10], [40]]
    assert list(books.lots().values()) == [20]


def test_lots_that_hold_less_than_the_balance_says_give_nothing():
    assert spending.parts([("2026-11-30", 5)], 5) == [("2026-11-30", 5)]
    with pytest.raises(RuntimeError, match="run verify"):
        spending.parts([("2026-11-30", 5)], 6)


def test_release_gives_back_what_a_hold_took_and_capture_does_not(books):
    books.earn(100, 1)
    first, second = books.hold(30), books.hold(40)
    books.do(ledger.release, held=first)
    books.do(capture, held=second)
    wallet = books.wallet()
    assert (wallet.balance, wallet.held, wallet.spent) == (60, 0, 40)


def capture(wallet, *, held, now):
    ledger.capture(wallet, held)


@pytest.mark.parametrize("first", [ledger.release, capture])
@pytest.mark.parametrize("second", [ledger.release, capture])
def test_a_hold_is_decided_once(books, first, second):
    books.earn(100, 1)
    held = books.hold(30)
    books.hold(30)
    books.do(first, held=held)
    with pytest.raises(ledger.HoldClosedError):
        books.do(second, held=held)
    db.session.rollback()
    wallet = books.wallet()
    assert (wallet.balance, wallet.held) == (40 if first is capture else 70, 30)


def test_a_claw_back_after_spending_leaves_a_debt_that_the_next_points_pay(books):
    books.earn(100, 1)
    books.hold(80)
    books.take_back(100, 1)
    assert (books.wallet().balance, books.lots()) == (-80, {DEBT: -80})
    books.earn(50, 2)
    assert (books.wallet().balance, books.lots()) == (-30, {DEBT: -30})
    books.earn(50, 3)
    assert books.wallet().balance == 20
    assert list(books.lots().values()) == [20]


def test_a_claw_back_takes_what_expires_first(books):
    books.earn(30, 1, now=clock.now() - timedelta(days=70))
    books.earn(50, 2)
    books.take_back(50, 2)
    assert books.lots() == {posting.expiry_of(clock.now(), months=24): 30}


def test_what_comes_back_into_several_lots_pays_a_debt_once(books):
    books.earn(30, 1, now=clock.now() - timedelta(days=70))
    books.earn(50, 2)
    held = books.hold(80)
    books.take_back(50, 2)
    books.do(ledger.release, held=held)
    assert books.lots() == {posting.expiry_of(clock.now(), months=24): 30}


@pytest.mark.parametrize(("grace", "days"), [(False, 0), (True, 30)])
def test_points_of_a_lot_that_ended_meanwhile_come_back_for_today_or_with_grace(books, grace, days):
    books.earn(25, 1, now=clock.day_bounds(date(2024, 10, 3))[0])
    held = books.hold(25)
    books.do(ledger.release, held=held, grace=grace)
    assert books.lots() == {clock.local_day(clock.now()) + timedelta(days=days): 25}


@pytest.mark.parametrize("grace", [False, True])
def test_points_whose_day_is_far_off_keep_it(books, grace):
    books.earn(25, 1)
    before = books.lots()
    held = books.hold(25)
    books.do(ledger.release, held=held, grace=grace)
    assert books.lots() == before


def test_one_cause_posts_once(books):
    books.earn(5, 1)
    with pytest.raises(Exception, match="ledger_entries"):
        books.earn(5, 1)
    db.session.rollback()
    assert books.wallet().balance == 5


@pytest.mark.parametrize("points", [40, -40])
def test_an_adjustment_goes_up_and_down(books, points, settings):
    books.earn(30, 1)
    books.do(ledger.adjust, points=points, reference=Reference("adjustment", 1), settings=settings)
    assert books.wallet().balance == 30 + points


@pytest.mark.parametrize("change", ["UPDATE ledger_entries SET points = 6", "DELETE FROM ledger_entries"])
def test_entries_are_append_only(books, change):
    books.earn(5, 1)
    with pytest.raises(Exception, match="append-only"), transaction():
        db.session.execute(text(change))
    assert db.session.scalar(select(LedgerEntry.points)) == 5
