"""Expiry of many lots of many residents: the same entries, sums and deltas as one by one."""

import random
from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import text

from backend import clock
from backend.database import db, transaction
from backend.ledger import expiring
from backend.ledger import service as ledger
from backend.ledger.models import DEBT
from backend.ledger.service import Reference
from backend.outbox import partition_of
from tests.books import differences
from tests.books import hold as hold_points
from tests.expiry import expire_everything
from tests.interleaving import Participant, watched

ENTRIES = """
SELECT resident_id, seq, kind, contra, points, balance_after, reference_kind, reference_id FROM ledger_entries
WHERE kind = 'expire' ORDER BY resident_id, seq
"""
WALLETS = """
SELECT resident_id, balance, held, earned, spent, expired, adjusted, entry_seq, action_seq, redemption_seq, version,
    co2e_mg, actions, frozen FROM wallets ORDER BY resident_id
"""
LOTS = "SELECT resident_id, expires_on, remaining, closed FROM lots ORDER BY resident_id, expires_on"
OUTBOX = """
SELECT resident_id, partition, day, task_id, tier, district_id, co2e_mg, points, actions FROM outbox
WHERE kind = 'expire' ORDER BY id
"""


@pytest.fixture
def rows(app):
    """rows(sql) → all rows of a query, each as a dictionary."""

    def fetch(sql, **values):
        with transaction():
            return [dict(row) for row in db.session.execute(text(sql), values).mappings()]

    return fetch


@pytest.fixture
def earn(app, settings):
    """earn(resident, 10, months_ago=25) posts points of an action, whose lot ended in the month before this one."""
    numbers = {}

    def post(resident, points, *, months_ago=0, on=None):
        today = clock.local_day(clock.now()).replace(day=15)
        day = on or (today - timedelta(days=months_ago * 365 / 12))
        who = resident.resident_id
        numbers[who] = number = numbers.get(who, 0) + 1
        with transaction():
            wallet = ledger.lock_wallet(who)
            now = clock.day_bounds(day)[0]
            reference = Reference("action", number)
            ledger.award(wallet, points=points, reference=reference, year=day.year, now=now, settings=settings)

    return post


@pytest.fixture
def hold(app):
    """hold(resident, 10) takes points out of the earliest lots."""

    def take(resident, points):
        with transaction():
            return hold_points(resident.resident_id, points)

    return take


@pytest.mark.parametrize(("today", "left"), [(date(2028, 11, 30), 25), (date(2028, 12, 1), 0)])
def test_points_can_be_spent_on_the_last_day_of_their_lot_and_not_after(earn, resident, rows, today, left):
    earn(resident, 25, on=date(2026, 11, 3))
    assert expire_everything(now=clock.day_bounds(today)[0]) == (0 if left else 1)
    (wallet,) = rows(WALLETS)
    assert (wallet["balance"], wallet["expired"]) == (left, 25 - left)
    assert differences() == []


def one_by_one(wallets, lots, *, today):
    """What is to become of them: wallets, lots, entries and outbox after each due lot was taken by itself."""
    entries, told = [], []
    by_owner = {wallet["resident_id"]: wallet for wallet in wallets}
    before = {who: wallet["version"] for who, wallet in by_owner.items()}
    for lot in lots:
        if lot["expires_on"] >= today or lot["closed"]:
            continue
        who, points = lot["resident_id"], lot["remaining"]
        lot["closed"], lot["remaining"] = True, 0
        if not points:
            continue
        wallet = by_owner[who]
        wallet["balance"] -= points
        wallet["expired"] += points
        wallet["entry_seq"] += 1
        wallet["version"] = before[who] + 1
        entry = {"kind": "expire", "contra": "expiry", "points": -points, "balance_after": wallet["balance"]}
        cause = {"reference_kind": "lot", "reference_id": int(lot["expires_on"].strftime("%Y%m%d"))}
        entries.append({"resident_id": who, "seq": wallet["entry_seq"], **entry, **cause})
        nothing = {"task_id": None, "tier": None, "district_id": None, "co2e_mg": 0, "actions": 0}
        delta = {"resident_id": who, "partition": partition_of(who), "day": today, "points": points}
        told.append(delta | nothing)
    return wallets, lots, entries, told


@pytest.mark.parametrize("seed", range(5))
def test_many_lots_of_many_residents_come_to_the_same_as_one_by_one(new_resident, earn, hold, rows, seed):
    chance = random.Random(seed)
    for number in range(12):
        person = new_resident(f"r{number}")
        months = chance.sample(range(40), chance.randrange(8))
        for month in months:
            earn(person, chance.randint(1, 50), months_ago=month)
        if months and chance.random() < 0.5:
            hold(person, chance.randint(1, rows(WALLETS)[-1]["balance"]))
        if chance.random() < 0.3:
            with transaction():
                ledger.set_frozen(ledger.lock_wallet(person.resident_id), frozen=True)
    today = clock.local_day(clock.now())
    years = rows("SELECT * FROM yearly_points ORDER BY 1, 2")
    wanted = one_by_one(rows(WALLETS), rows(LOTS), today=today)
    assert expire_everything(now=clock.now()) == len(wanted[2]) > 1
    assert (rows(WALLETS), rows(LOTS), rows(ENTRIES), rows(OUTBOX)) == wanted
    assert rows("SELECT * FROM yearly_points ORDER BY 1, 2") == years
    assert differences() == []
    assert expire_everything(now=clock.now()) == 0


def test_lots_that_are_due_are_found_resident_by_resident(new_resident, earn):
    """So pages of them lock wallets in order, whichever were due first."""
    people = [new_resident(f"r{number}") for number in range(2)]
    for person, months in [(people[0], 26), (people[0], 28), (people[1], 27), (people[1], 29)]:
        earn(person, 5, months_ago=months)
    with transaction():
        found = expiring.find_due(now=clock.now(), limit=9)
    assert [who for who, _ in found] == [person.resident_id for person in people for _ in range(2)]


def test_wallets_are_locked_in_order_of_the_ids_wherever_their_rows_lie(app, new_resident, earn):
    first, second = (new_resident(f"r{number}") for number in range(2))
    # Changed last, the first lies behind the second.
    for person in (second, first):
        earn(person, 5, months_ago=30)
    with transaction():
        due = expiring.find_due(now=clock.now(), limit=9)

    def expire():
        with transaction():
            # As the planner may, once there are many: whoever reads the table gets its rows as they lie.
            for way in ("indexscan", "bitmapscan"):
                db.session.execute(text(f"SET LOCAL enable_{way} = off"))
            return expiring.expire(due, now=clock.now())

    with watched() as watcher, transaction():
        ledger.lock_wallet(second.resident_id)
        job = Participant(app, expire, stop_at=None)
        assert job.run_on(watcher), "it waits for nobody"
        with pytest.raises(psycopg.errors.LockNotAvailable):
            watcher.execute("SELECT FROM wallets WHERE resident_id = %s FOR UPDATE NOWAIT", (first.resident_id,))
    assert job.outcome() == (2, 2)


def test_what_is_held_does_not_expire_and_comes_back_alive(resident, earn, hold, rows):
    earn(resident, 40, months_ago=30)
    held = hold(resident, 25)
    assert expire_everything(now=clock.now()) == 1
    with transaction():
        found = ledger.find_hold(resident.resident_id, Reference("redemption", held.reference_id))
        ledger.release(ledger.lock_wallet(resident.resident_id), found, now=clock.now())
    (wallet,) = rows(WALLETS)
    assert (wallet["balance"], wallet["held"], wallet["expired"]) == (25, 0, 15)
    assert differences() == []


def test_a_debt_never_expires(resident, earn, hold, rows):
    earn(resident, 40, months_ago=30)
    hold(resident, 40)
    with transaction():
        wallet = ledger.lock_wallet(resident.resident_id)
        ledger.claw_back(wallet, points=40, reference=Reference("action", 1), year=2026, now=clock.now())
    before = rows(WALLETS)
    assert expire_everything(now=clock.now()) == 0
    assert rows(WALLETS) == before
    assert [(lot["remaining"], lot["closed"]) for lot in rows(LOTS)] == [(0, True), (-40, False)]
    assert rows(LOTS)[-1]["expires_on"] == DEBT


def test_lots_that_are_not_due_or_not_there_or_closed_stay_as_they_are(resident, earn, rows):
    for months in (0, 30):
        earn(resident, 40, months_ago=months)
    assert expire_everything(now=clock.now()) == 1
    who = resident.resident_id
    closed, last_day = (lot["expires_on"] for lot in rows(LOTS))
    before = rows(LOTS), rows(WALLETS)
    with transaction():
        lots = [(who, closed), (who, last_day), (who, closed - timedelta(days=3)), (who + 99, closed)]
        done = expiring.expire(lots, now=clock.day_bounds(last_day)[0])
        assert expiring.find_due(now=clock.day_bounds(last_day)[0], limit=9) == []
    assert done == (0, 0)
    assert (rows(LOTS), rows(WALLETS)) == before
