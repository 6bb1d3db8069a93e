"""Connections that are kept at hand: the same one again, never one that is broken, never a parent's."""

import gc
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from backend.database import autocommit_options
from backend.database.connections import NoAnswerError, silence_of
from backend.database.ready_connections import ReadyConnections
from backend.metrics import POOL_IN_USE, count_connections

FORK = multiprocessing.get_context("fork")
MOST = 2
PATIENCE_S = 0.2
GONE_S = 30


@pytest.fixture
def engine(settings):
    """As the application's, of up to MOST connections and as many again."""
    bounds = {"pool_size": MOST, "max_overflow": MOST, "pool_timeout": 0.01}
    options = autocommit_options(settings, program="web") | bounds
    engine = create_engine(options.pop("url"), **options)
    yield engine
    engine.dispose()


@pytest.fixture
def ready(engine):
    return ReadyConnections(engine, most=2 * MOST, patience_s=PATIENCE_S, in_use=POOL_IN_USE.inc)


@pytest.fixture
def backends(settings):
    """backends() → the processes of PostgreSQL that serve this test's connections and still run.

    backends.until(wanted) waits until it is these.
    """

    def look():
        with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)"
            return {pid for (pid,) in connection.execute(query, (list(seen),))}

    def until(wanted):
        """PostgreSQL lists them until they have seen that nobody is at the other end."""
        deadline = time.monotonic() + GONE_S
        while (found := look()) != wanted:
            assert time.monotonic() < deadline, (found, wanted)
            time.sleep(0.01)

    seen = set()
    look.seen, look.until = seen, until
    return look


def pid_of(statements):
    return statements.execute("SELECT pg_backend_pid()").fetchone()[0]


def pids(ready, count):
    """Of so many that are taken at once."""
    with ExitStack() as taken:
        return [pid_of(taken.enter_context(ready.one())) for _ in range(count)]


def test_the_one_used_last_is_handed_out_next_and_a_second_beside_it(ready):
    first, second = pids(ready, 2)
    assert first != second
    # The one that was given back last is the one that was taken first.
    assert pids(ready, 2) == [first, second]


def test_all_are_kept_for_the_next_burst(ready, backends):
    burst = set(pids(ready, 2 * MOST))
    backends.seen.update(burst)
    assert backends() == burst
    assert set(pids(ready, 2 * MOST)) == burst


def test_there_are_never_more_than_the_pool_allows(ready):
    with pytest.raises(PoolTimeoutError, match=r"within 0\.2 s"):
        pids(ready, 2 * MOST + 1)
    assert len(set(pids(ready, 2 * MOST))) == 2 * MOST


def test_who_waits_for_one_gets_the_first_that_is_given_back(engine):
    patient = ReadyConnections(engine, most=2 * MOST, patience_s=30, in_use=POOL_IN_USE.inc)

    def wait_for_one():
        with patient.one() as statements:
            return pid_of(statements)

    with ExitStack() as others, ThreadPoolExecutor(1) as pool:
        for _ in range(2 * MOST - 1):
            others.enter_context(patient.one())
        with patient.one() as last:
            given_back = pid_of(last)
            waiting = pool.submit(wait_for_one)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.1)
        assert waiting.result(timeout=10) == given_back


def test_whom_postgresql_has_left_gets_another_and_hears_nothing_of_it(ready, engine):
    old = pids(ready, 2)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM unnest(ARRAY{old}) AS pid")
    assert not set(pids(ready, 2)) & set(old)


def test_where_one_takes_no_writes_any_more_all_are_opened_anew(ready):
    with ready.one() as in_use:
        before = {pid_of(in_use), *pids(ready, 2)}
        with ready.one() as statements:
            statements.connection.outdated = True
        assert pids(ready, 1)[0] not in before
    assert not set(pids(ready, 2)) & before


def test_one_that_broke_in_use_is_not_kept(ready):
    before = pids(ready, 1)
    with pytest.raises(psycopg.OperationalError), ready.one() as statements:
        statements.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert pids(ready, 1) != before


def test_where_postgresql_is_known_to_be_silent_nobody_waits_and_nothing_is_lost(ready):
    with ready.one() as statements:
        before = pid_of(statements)
        connection = statements.connection
    given, connection.silence = connection.silence, silence_of("one that is silent")
    connection.silence.begin("test")
    with pytest.raises(NoAnswerError, match="a moment ago"), ready.one():
        pass
    connection.silence = given
    assert pids(ready, 1) == [before]


def test_disposing_of_the_engine_closes_them_and_those_in_use_when_they_come_back(ready, engine, backends):
    with ready.one() as in_use:
        backends.seen |= {pid_of(in_use), *pids(ready, 1)}
        engine.dispose()
        backends.until({pid_of(in_use)})
    backends.until(set())


def test_those_that_nobody_uses_do_not_count_as_in_use(ready, engine):
    count_connections()

    def counted():
        return POOL_IN_USE._value.get() - before

    before = POOL_IN_USE._value.get()
    with ExitStack() as taken:
        for _ in range(MOST + 1):
            taken.enter_context(ready.one())
        assert counted() == MOST + 1
    assert counted() == 0
    with pytest.raises(psycopg.OperationalError), ready.one() as statements:
        statements.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert counted() == 0
    with ready.one():
        engine.dispose()
        assert counted() == 1
    assert counted() == 0


def test_a_child_leaves_its_parents_connections_alone(ready, engine):
    before = pids(ready, 2)

    def child(told):
        told.send(pids(ready, 1))
        engine.dispose(close=False)
        gc.collect()
        told.send(pids(ready, 1))

    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=child, args=(theirs,))
    process.start()
    first, after = ours.recv(), ours.recv()
    process.join()
    assert process.exitcode == 0
    assert not set(before) & {*first, *after}
    assert pids(ready, 2) == before
