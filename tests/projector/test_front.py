"""What a process remembers of the outbox where partitions, servers or looks differ from one another."""

import time

import pytest

from backend import waiting
from backend.database import array, cursor, transaction
from backend.outbox import PARTITIONS
from backend.projector import service as projector
from tests.projector.looks import AS_BY_LOCKING_A_WALLET, Changed, Noted, Standby, fill, learn, look
from tests.projector.outbox_rows import FILL


@pytest.mark.parametrize("steps", range(4))
def test_a_standby_teaches_nothing_and_stops_nobody(front, steps):
    fill(8)
    projector.drain()
    for _ in range(steps):
        front.look(Changed(flushed=0))
    for _ in range(4):
        assert front.look(Standby(flushed=None)) == {}
    assert front.above == (0,) * PARTITIONS
    learn(front)
    assert min(front.above) == 8


def test_a_database_that_went_back_behind_what_some_partitions_are_known_for_is_looked_through(front):
    fill(5)
    for partition in (1, 3, 4, 5):
        projector.project(partition)
    assert learn(front) == {2: 2}
    assert (min(front.above), max(front.above)) == (1, 5)
    with transaction():
        cursor().execute("ALTER SEQUENCE outbox_id_seq RESTART WITH 3")
    fill(1)
    assert look(front) == {1: 3, 2: 2}


@pytest.mark.parametrize(("steps", "flushed"), [(1, 0), (2, 0), (3, 0), (3, 2**62)])
def test_what_was_learnt_of_numbers_that_are_given_again_is_forgotten(front, other, steps, flushed):
    fill(100)
    projector.drain()
    for _ in range(steps):
        front.look(Changed(flushed=flushed))
    with transaction():
        cursor().execute("ALTER SEQUENCE outbox_id_seq RESTART WITH 40")
    other.execute(AS_BY_LOCKING_A_WALLET)
    other.execute(FILL, (1,))
    assert look(front) == {}
    fill(100)
    projector.drain()
    assert learn(front) == {}
    other.connection.commit()
    assert look(front) == {1: 40}


def test_a_look_in_a_transaction_that_had_a_number_before_does_not_pass_by_who_began_after_it(front, other):
    with transaction():
        cursor().execute(AS_BY_LOCKING_A_WALLET)
        other.execute(AS_BY_LOCKING_A_WALLET)
        other.execute(FILL, (1,))
        assert look(front) == front.look(cursor()) == {}
    assert learn(front) == {}
    other.connection.commit()
    assert look(front) == {1: 1}


def test_what_one_partition_kept_is_passed_by_once_it_went_though_nothing_new_comes(front):
    fill(PARTITIONS - 1)
    learn(front)
    assert (min(front.above), max(front.above)) == (0, PARTITIONS - 1)
    projector.drain()
    learn(front)
    assert min(front.above) == PARTITIONS - 1


def test_a_look_that_was_asked_to_begin_anew_counts_as_the_one_of_its_minute(front, monkeypatch):
    fill(8)
    projector.drain()
    learn(front)
    front.anew_at = time.monotonic() - waiting.ANEW_S / 2
    look(front, anew=True)
    monkeypatch.setattr(waiting, "ANEW_S", waiting.ANEW_S / 3)
    asked = Noted(flushed=0)
    front.look(asked)
    assert asked.values[1] == array(front.above)
    assert min(front.above) == 8
