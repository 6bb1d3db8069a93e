"""How the first row that waits is found: nothing is passed over twice, and nothing is missed."""

import math

import psycopg
import pytest

from backend import waiting
from backend.database import array, autocommit_cursor, cursor, transaction
from backend.outbox import PARTITIONS
from backend.projector import service as projector
from tests.projector.looks import AS_BY_LOCKING_A_WALLET, Changed, Noted, fill, learn, look, on_the_disk
from tests.projector.outbox_rows import ALIKE, FILL, take_snapshot

WALK = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + waiting._LOOK


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
        plan = asked.execute(WALK, (False, array(above))).fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_the_first_row_of_each_partition_is_told(front):
    fill(20)
    assert look(front) == {**{number % PARTITIONS: number for number in range(1, PARTITIONS + 1)}}
    with transaction():
        posted_at = cursor().execute("SELECT posted_at FROM outbox LIMIT 1").fetchone()[0]
        assert waiting.oldest_posted_at(cursor()) == posted_at
    projector.drain()
    assert look(front) == {}
    with transaction():
        assert waiting.oldest_posted_at(cursor()) is None


def test_what_went_is_not_walked_over_though_somebody_may_still_see_it(front, other):
    fill(8_000)
    take_snapshot(other)
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


def test_whoever_began_last_is_waited_for_though_nobody_ends_after_them(front, other):
    other.execute(AS_BY_LOCKING_A_WALLET)
    other.execute(FILL, (1,))
    asked = Noted(flushed=2**62)
    for _ in range(6):
        assert front.look(asked) == {}
    assert asked.values[0] is False
    other.connection.commit()
    assert look(front) == {1: 1}


def test_what_a_crash_would_bring_back_is_not_passed_by(front):
    """Who projects does not wait until the removing is on the disk."""
    fill(100)
    projector.drain()
    for _ in range(6):
        assert front.look(Changed(flushed=0)) == {}
    assert front.above == (0,) * PARTITIONS
    learn(front)
    assert min(front.above) == 100


def test_nor_is_what_was_removed_after_that(front):
    fill(8)
    for _ in range(3):
        assert len(front.look(Changed(flushed=0))) == 8
    projector.drain()
    assert front.look(Changed(flushed=front.by)) == {}
    assert [front.above[number % PARTITIONS] for number in range(1, 9)] == list(range(8))


def test_a_look_that_began_before_another_ended_teaches_nothing(front, other):
    """Its transaction began before the number was given away that the other one was told of."""

    class Overtaken:
        """The cursor of a look that asks for the last number, and is answered, when others have gone all the way."""

        def execute(self, sql, values, **how):
            assert values[0]
            with autocommit_cursor() as asked:
                self.rows = [(*row[:3], 17, *row[4:]) for row in asked.execute(sql, values, **how).fetchall()]
            assert look(front) == {}
            other.execute(AS_BY_LOCKING_A_WALLET)
            other.execute(FILL, (1,))
            assert front.look(Changed(flushed=0)) == {}
            on_the_disk()
            assert look(front) == {}
            assert (front.above, front.given, front.until) == ((16,) * PARTITIONS, 17, None)
            return self

        def fetchall(self):
            return self.rows

    fill(8)
    projector.drain()
    learn(front)
    fill(8)
    projector.drain()
    look(front)
    assert front.look(Overtaken()) == {}
    assert learn(front) == {}
    other.connection.commit()
    assert look(front) == {1: 17}


def test_an_idle_site_spends_no_numbers_of_transactions(front):
    fill(8)
    projector.drain()
    learn(front)
    asked = Noted(flushed=0)
    for _ in range(5):
        assert front.look(asked) == {}
        assert asked.values[0] is False
    fill(8)
    front.look(asked)
    front.look(asked)
    assert asked.values[0] is True


def test_a_look_from_the_beginning_that_takes_too_long_is_not_repeated_at_once(front):
    """Somebody's snapshot may keep more than can be walked over in time."""

    class TooSlow:
        """A cursor whose statements are cancelled."""

        def execute(self, sql, values, **how):
            raise psycopg.errors.QueryCanceled

    fill(8)
    projector.drain()
    learn(front)
    front.anew_at = -math.inf
    with pytest.raises(psycopg.errors.QueryCanceled):
        front.look(TooSlow())
    asked = Noted(flushed=0)
    assert front.look(asked) == {}
    assert asked.values[1] == array(front.above)
    assert min(front.above) == 8


def test_a_number_given_away_too_early_is_found_by_the_next_look_that_begins_anew(front, other, monkeypatch):
    """Nobody may number a row before they have locked anything; if somebody does, that is found within a minute."""
    number = number_of_somebody(other)
    fill(9)
    learn(front)
    projector.drain()
    learn(front)
    other.execute(ALIKE, (number, 1))
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
    other.execute(ALIKE, (number, 1))
    other.connection.commit()
    assert projector.drain(max_seconds=60) == 0
    assert projector.drain() == 1


def test_before_the_first_row_nothing_is_taken_for_granted(front):
    assert learn(front) == {}
    fill(1)
    assert look(front) == {1: 1}
