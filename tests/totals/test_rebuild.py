"""Totals made anew while the site lives: nobody waits who need not, and nothing counts twice or not at all."""

from datetime import timedelta
from itertools import count, islice
from threading import Thread

import psycopg
import pytest
from sqlalchemy import text

from backend import clock
from backend.database import advisory, autocommit_cursor, cursor, db, transaction
from backend.leaderboard import locks
from backend.ledger import service as ledger
from backend.outbox import PARTITIONS, partition_of
from backend.projector import rebuilding
from backend.projector import service as projector
from backend.verification import verify
from tests.books import hold
from tests.projections import expected_now, projected, waiting
from tests.together import meanwhile, together

TABLES = ("totals", "movements", "participations", "participants")
WRONG = (
    "UPDATE totals SET co2e_mg = co2e_mg + 5, actions = actions - 1",
    "UPDATE movements SET points = points + 5",
    "UPDATE participations SET actions = actions + 1 WHERE district_id < 2",
    "DELETE FROM participations WHERE district_id <> 0",
    "UPDATE participants SET residents = residents + 1",
)
# Whoever locks several rows in another order than a projector stops both.
ONE_ROW_EACH = tuple(
    f"UPDATE {table} SET {value} = {value} + 1 WHERE ctid = (SELECT ctid FROM {table} LIMIT 1)"
    for table, value in (
        ("totals", "points"),
        ("movements", "times"),
        ("participations", "actions"),
        ("participants", "residents"),
    )
)
WRITTEN = "SELECT count(*) FROM {} WHERE xmin::text::bigint > :before"
NOW = "SELECT pg_current_xact_id()::text::bigint & 4294967295"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted"


@pytest.fixture
def city(deeds, new_resident, settings, monkeypatch):
    """Seven residents in two districts and in none, with actions of several days, some reversed, and points moved."""
    monkeypatch.setattr(rebuilding, "ACTIONS_AT_ONCE", 5)
    residents = [new_resident(f"c{number}", district_id=number % 3 or None) for number in range(7)]
    for number, somebody in enumerate(residents):
        for step in range(3):
            deeds.record(somebody, days_ago=20 * step, metres=900 + 40 * number)
        deeds.record(somebody, "no_cutlery", minute=60)
        if number % 2:
            deeds.reverse(somebody, 2)
            move_points(somebody, settings=settings)
    projector.drain()
    return residents


def move_points(somebody, *, settings):
    with transaction():
        held = hold(somebody.resident_id, 5)
        wallet, now = ledger.lock_wallet(somebody.resident_id), clock.now()
        ledger.release(wallet, held, now=now)
        ledger.adjust(wallet, points=3, reference=ledger.Reference("adjustment", 1), now=now, settings=settings)


def spoil(*statements):
    for statement in statements or WRONG:
        with transaction():
            db.session.execute(text(statement))


def rebuild(**options):
    """How many rows were written."""
    return sum(step.written for step in rebuilding.rebuild(**options))


def differences():
    """What verify says of the tables; points of nothing that was ever redeemed differ elsewhere."""
    return [one for one in verify() if one.book in TABLES]


def totals(found):
    return {name: found[name] for name in TABLES}


def asked(sql, **values):
    with transaction():
        return db.session.scalar(text(sql), values)


def test_where_all_is_right_nothing_is_written_and_no_projector_waits(city):
    before = asked(NOW)
    with autocommit_cursor() as keeper, keeper.connection.transaction():
        for partition in range(PARTITIONS):
            locks.take_partition(keeper, partition)
        # It would wait for us for ever.
        assert rebuild() == 0
    assert [asked(WRITTEN.format(table), before=before) for table in TABLES] == [0, 0, 0, 0]


def test_it_goes_through_each_table_in_ranges_and_partitions(city):
    steps = list(rebuilding.rebuild(workers=2))
    assert list(dict.fromkeys(step.table for step in steps)) == [
        "participations",
        "totals",
        "movements",
        "participants",
    ]
    assert [step.done for step in steps if step.table == "totals"] == list(range(1, PARTITIONS + 1))
    assert sum(step.table == "participations" for step in steps) > 2


@pytest.mark.parametrize("rows", [1, 2, 50_000])
@pytest.mark.parametrize("workers", [1, 3])
def test_however_few_rows_are_written_at_once_all_are(city, monkeypatch, rows, workers):
    monkeypatch.setattr(rebuilding, "ROWS", rows)
    monkeypatch.setattr(rebuilding, "RESIDENTS", rows)
    right = projected()
    spoil()
    assert rebuild(workers=workers) > 20
    assert projected() == right == expected_now()
    assert rebuild() == 0


def test_what_moved_in_the_small_hours_is_of_the_day_that_the_city_had(city, settings):
    yesterday = clock.local_day(clock.now()) - timedelta(days=1)
    midnight, _ = clock.day_bounds(yesterday)
    with transaction():
        wallet, by = ledger.lock_wallet(city[0].resident_id), ledger.Reference("adjustment", 2)
        ledger.adjust(wallet, points=4, reference=by, now=midnight, settings=settings)
    projector.drain()
    right = projected()
    assert right["movements"][yesterday, "adjust"] == (4, 1)
    spoil("UPDATE movements SET points = points + 5")
    rebuild()
    assert projected() == right == expected_now()


def test_what_waits_in_the_outbox_is_left_to_the_projector(city, deeds, settings, new_resident):
    before = totals(projected())
    deeds.reverse(city[0], 1)
    deeds.record(city[1], minute=200)
    deeds.record(new_resident("late"), minute=200)
    move_points(city[2], settings=settings)
    left = waiting()
    assert left > 5
    spoil()
    rebuild()
    assert (totals(projected()), waiting()) == (before, left)
    assert differences() == []
    projector.drain()
    assert projected() == expected_now()
    assert (rebuild(), differences()) == (0, [])


def test_two_rebuilds_at_once_do_not_both_add_what_is_missing(app, city):
    right = projected()
    for _ in range(3):
        spoil()
        assert sum(together(app, [rebuild, rebuild])) > 20
        assert projected() == right


def test_a_rebuild_that_is_stopped_leaves_less_wrong_than_before_and_may_begin_again(city):
    right = projected()
    spoil()
    wrong, stopped = rows_that_differ(right), 0
    for steps in count(1):
        begun = rebuilding.rebuild(workers=1)
        taken = len(list(islice(begun, steps)))
        begun.close()
        left = rows_that_differ(right)
        assert left <= wrong
        wrong, stopped = left, stopped + (taken == steps)
        if taken < steps:
            break
    assert stopped > 3 * PARTITIONS
    assert projected() == right


def rows_that_differ(right):
    found = projected()
    return {
        (table, key)
        for table in TABLES
        for key in right[table].keys() | found[table].keys()
        if right[table].get(key) != found[table].get(key)
    }


class Begun:
    """A rebuild in a thread of its own."""

    def __init__(self, app):
        self._app, self._written = app, []
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self):
        with self._app.app_context():
            self._written.append(rebuild(workers=1))

    def until_it_waits(self):
        """It has found what differs, and waits for a projector."""
        url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as watcher:
            while not watcher.execute(WAITING, (advisory.PROJECTOR,)).fetchone()[0]:
                assert self._thread.is_alive()

    def written(self):
        """How many rows it wrote, once it has ended."""
        self._thread.join(60)
        return self._written[0]


@pytest.mark.parametrize("statement", WRONG)
def test_what_is_folded_between_finding_and_writing_counts_once(app, city, deeds, statement):
    """The projector for which a rebuild waits folds an award and a reversal before it lets it go on."""
    partition = partition_of(city[1].resident_id)
    spoil(statement)
    deeds.record(city[1], minute=200)
    deeds.reverse(city[1], 1)
    locks.take_partition(cursor(), partition)
    begun = Begun(app)
    begun.until_it_waits()
    assert projector.project(partition).rows == 2
    assert begun.written() > 0
    projector.drain()
    assert projected() == expected_now()
    assert (rebuild(), differences()) == (0, [])


def test_no_award_waits_while_a_rebuild_does(app, city, deeds):
    spoil()
    with autocommit_cursor() as keeper, keeper.connection.transaction():
        for partition in range(PARTITIONS):
            locks.take_partition(keeper, partition)
        begun = Begun(app)
        begun.until_it_waits()
        for somebody in city:
            deeds.reverse(somebody, deeds.record(somebody, minute=200).seq)
            deeds.record(somebody, "own_bag", minute=200)
    assert begun.written() > 0
    projector.drain()
    assert projected() == expected_now()
    assert differences() == []


def test_beside_a_writer_and_a_projector_everything_counts_once(app, city, deeds, new_resident):
    people = [*city, *(new_resident(f"n{number}", district_id=number % 3 or None) for number in range(20))]
    left = iter([(day, who, task) for day in range(1, 300) for who in people for task in ("bike_ride", "no_cutlery")])

    def record():
        day, who, task = next(left)
        judged = deeds.record(who, task, days_ago=day, minute=300)
        if judged.recorded and day % 2:
            deeds.reverse(who, judged.seq)

    with meanwhile(app, record, projector.drain) as threads:
        for _ in range(6):
            spoil(*ONE_ROW_EACH)
            assert rebuild() > 0
            assert all(thread.is_alive() for thread in threads)
    projector.drain()
    assert projected() == expected_now()
    assert (rebuild(), differences()) == (0, [])
