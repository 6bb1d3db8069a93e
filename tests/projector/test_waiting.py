"""How the first row that waits is found: nothing is passed over twice, and nothing is missed."""

from datetime import UTC, datetime

import pytest

from backend import waiting
from backend.database import array, autocommit_cursor, cursor, db, transaction
from backend.outbox import PARTITIONS
from backend.projector import service as projector
from backend.waiting import Front

NOW = datetime(2026, 5, 1, tzinfo=UTC)
VALUES = f"""n, n %% {PARTITIONS}, 'action', DATE '2026-05-01', 1, 'partner', 100, 1, 1, TIMESTAMPTZ '2026-05-01 00:00Z'
FROM generate_series(1, %s) n"""
COLUMNS = "resident_id, partition, kind, day, task_id, tier, co2e_mg, points, actions, posted_at"
FILL = f"INSERT INTO outbox ({COLUMNS}) SELECT {VALUES}"
"""Numbered 1, 2, 3 …, by residents 1, 2, 3 …, one row each."""
ONE = f"INSERT INTO outbox (id, {COLUMNS}) OVERRIDING SYSTEM VALUE SELECT %s, {VALUES.replace('%s', '1')}"
AS_BY_LOCKING_A_WALLET = "SELECT pg_current_xact_id()"
"""The transaction gets a number of its own."""
WALK = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + waiting._LOOK


@pytest.fixture
def other(app):
    """A connection of somebody else's; what they began is taken back in the end."""
    with db.engine.connect() as connection:
        yield connection.connection.cursor()


@pytest.fixture
def front(app):
    """What a process remembers."""
    return Front()


def look(front, **how):
    """The numbers of the rows that wait first, by partition."""
    with autocommit_cursor() as asked:
        return {partition: first.id for partition, first in front.look(asked, **how).items()}


def learn(front):
    """What several looks find, each after all that was written before it has come to the disk."""
    found = []
    for _ in range(4):
        found.append(look(front))
        with autocommit_cursor() as asked:
            asked.execute("CREATE TEMP TABLE written ON COMMIT DROP AS SELECT")
    assert found == [found[0]] * 4
    return found[0]


def fill(rows):
    with autocommit_cursor() as asked:
        asked.execute(FILL, (rows,))


def number_of_somebody(other):
    """A number given away in a transaction that has none itself: PostgreSQL notes only one in 32 of them in its log."""
    fill(1)
    projector.drain()
    number = other.execute("SELECT nextval('outbox_id_seq')").fetchone()[0]
    assert other.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
    return number


def walked(above):
    """How many pages a look reads."""
    with autocommit_cursor() as asked:
        plan = asked.execute(WALK, (array(above),)).fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_the_first_row_of_each_partition_is_told(front):
    fill(20)
    assert look(front) == {**{number % PARTITIONS: number for number in range(1, PARTITIONS + 1)}}
    with transaction():
        assert waiting.oldest_posted_at() == NOW
    projector.drain()
    assert look(front) == {}
    with transaction():
        assert waiting.oldest_posted_at() is None


def test_what_went_is_not_walked_over_though_somebody_may_still_see_it(front, other):
    fill(8_000)
    other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT count(*) FROM outbox")
    projector.drain()
    fill(8)
    assert min(learn(front).values()) == 8_001
    from_the_beginning = walked((0,) * PARTITIONS)
    assert from_the_beginning > 500
    assert walked(front.above) < from_the_beginning / 5


def test_a_lower_number_that_is_committed_later_is_found(front, other):
    other.execute(AS_BY_LOCKING_A_WALLET)
    other.execute(FILL, (1,))
    fill(9)
    assert min(learn(front).values()) == 2
    projector.drain()
    assert learn(front) == {}
    other.connection.commit()
    assert look(front) == {1: 1}
    assert projector.drain(max_seconds=60) == 1


def test_a_look_that_began_before_another_ended_teaches_nothing(front, other):
    """Its snapshot may be older than the number that the other one was told of."""

    class Overtaken:
        """The cursor of a look whose snapshot is there, and whose answer comes only when another look is over."""

        def execute(self, sql, values):
            assert look(front) == {}
            return older.execute(sql, values)

    with db.engine.connect() as connection:
        older = connection.connection.cursor()
        older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        older.execute("SELECT FROM outbox")
        other.execute(AS_BY_LOCKING_A_WALLET)
        other.execute(FILL, (1,))
        assert front.look(Overtaken()) == {}
    other.connection.commit()
    assert look(front) == {1: 1}


def test_what_a_crash_would_bring_back_is_not_passed_by(front):
    """Who projects does not wait until the removing is on the disk."""

    class Behind:
        """A cursor of a server whose disk has nothing of the last seconds."""

        def execute(self, sql, values):
            with autocommit_cursor() as asked:
                rows = asked.execute(sql, values).fetchall()
            self.rows = [(*row[:-1], 0) for row in rows]
            return self

        def fetchall(self):
            return self.rows

    fill(100)
    projector.drain()
    for _ in range(4):
        assert front.look(Behind()) == {}
    assert front.above == (0,) * PARTITIONS
    learn(front)
    assert min(front.above) == 100


def test_a_number_given_away_too_early_is_found_by_the_next_look_that_begins_anew(front, other, monkeypatch):
    """Nobody may number a row before they have locked anything; if somebody does, that is found within a minute."""
    number = number_of_somebody(other)
    fill(9)
    learn(front)
    projector.drain()
    learn(front)
    other.execute(ONE, (number,))
    other.connection.commit()
    assert look(front) == {}
    monkeypatch.setattr(waiting, "ANEW_S", 0.0)
    assert look(front) == {1: number}
    monkeypatch.undo()
    # And it is not forgotten again.
    assert look(front) == {1: number}
    assert projector.drain() == 1


def test_a_database_that_went_back_in_time_is_looked_through_from_the_beginning(front):
    fill(100)
    projector.drain()
    assert learn(front) == {}
    assert min(front.above) == 100
    with transaction():
        cursor().execute("ALTER SEQUENCE outbox_id_seq RESTART WITH 40")
    fill(1)
    assert look(front) == {1: 40}


def test_whoever_must_not_leave_anything_out_begins_at_the_beginning(app, other):
    number = number_of_somebody(other)
    fill(9)
    assert projector.drain(max_seconds=60) == 9
    learn(app.extensions["outbox_front"])
    other.execute(ONE, (number,))
    other.connection.commit()
    assert projector.drain(max_seconds=60) == 0
    assert projector.drain() == 1


def test_before_the_first_row_nothing_is_taken_for_granted(front):
    assert learn(front) == {}
    fill(1)
    assert look(front) == {1: 1}
