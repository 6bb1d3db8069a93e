"""gunicorn under our settings: workers share memory, cores and connections, also whoever takes a killed one's place."""

import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from backend.database.abreast import cores
from tests.benchmarks.web_server import serving

can_pin = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin a process")
_UP_S = 60.0
"""For what must happen."""


@pytest.fixture
def start(tmp_path):
    """Start the empty application with as many workers, and more settings."""

    def started(workers, application="tests.benchmarks.empty:app", **settings):
        told = {**os.environ, "TANHUI_VAR": str(tmp_path), "WEB_WORKERS": str(workers), **settings}
        return serving(application, environment=told, log=tmp_path / "web.log")

    return started


def settled(web, workers, *, without=None):
    """The cores of each worker by its process id, once there are so many, one has gone, and all are at work."""
    deadline = time.monotonic() + _UP_S
    while True:
        found = {child.pid for child in psutil.Process(web.pid).children()}
        if len(found) == workers and without not in found:
            # Whoever takes a connection is on its core, and has come through all else that a new one begins with.
            shares(web, 4 * workers, until=all)
            with suppress(psutil.NoSuchProcess):
                cores_of = {pid: psutil.Process(pid).cpu_affinity() for pid in found}
                if found == {child.pid for child in psutil.Process(web.pid).children()}:
                    return cores_of
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@can_pin
def test_each_worker_has_a_core_of_its_own_and_whoever_takes_its_place_has_it_after_it(start):
    everyone = [[core] for core in sorted(os.sched_getaffinity(0))]
    with start(cores()) as web:
        first = settled(web, cores())
        assert sorted(first.values()) == everyone
        killed = next(iter(first))
        for _ in range(2):
            # Twice one after the other: a turn by number would give the second one another's core.
            psutil.Process(killed).kill()
            now = settled(web, cores(), without=killed)
            assert sorted(now.values()) == everyone
            (killed,) = now.keys() - first.keys()
        assert psutil.Process(web.pid).cpu_affinity() == sorted(os.sched_getaffinity(0))


@can_pin
def test_more_workers_than_cores_are_spread_evenly(start):
    with start(2 * cores()) as web:
        found = settled(web, 2 * cores())
    assert sorted(found.values()) == sorted([[core] for core in os.sched_getaffinity(0)] * 2)


@can_pin
@pytest.mark.parametrize(("workers", "settings"), [(cores(), {"WEB_PINNED": "off"}), (max(1, cores() - 1), {})])
def test_workers_roam_where_they_are_told_to_or_have_not_the_whole_machine(start, workers, settings):
    if workers == cores() and not settings:
        pytest.skip("on one core every worker is on that one")
    with start(workers, **settings) as web:
        found = settled(web, workers)
    assert list(found.values()) == [sorted(os.sched_getaffinity(0))] * workers


def shares(web, wanted, *, until=lambda found: True):
    """How many of so many new connections each worker takes; they are made anew until it is as it should be."""
    deadline = time.monotonic() + _UP_S
    while True:
        with ExitStack() as opened:
            for _ in range(wanted):
                opened.enter_context(socket.create_connection(("127.0.0.1", web.port)))
            while sum(found := connections(web)) != wanted:
                assert time.monotonic() < deadline, found
                time.sleep(0.05)
        while sum(left := connections(web)):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        if until(found):
            return found
        assert time.monotonic() < deadline, found


def connections(web):
    """How many connections each worker has that has not just gone."""
    found = []
    for worker in psutil.Process(web.pid).children():
        with suppress(psutil.NoSuchProcess):
            found.append(sum(one.status == psutil.CONN_ESTABLISHED for one in worker.net_connections()))
    return found


def kill(web, worker):
    psutil.Process(worker).kill()


def reload(web, worker):
    psutil.Process(web.pid).send_signal(signal.SIGHUP)


def test_connections_are_shared_evenly_also_after_a_worker_was_killed_and_after_a_reload(start):
    with start(2) as web:
        workers = settled(web, 2)
        for change in (None, kill, reload, kill):
            if change:
                old = next(iter(workers))
                change(web, old)
                workers = settled(web, 2, without=old)
            # Until the last one has started: before that the others take all.
            shares(web, 16, until=all)
            fewer = [min(shares(web, 16)) for _ in range(8)]
            # Whoever wakes up first would take all sixteen most of the time.
            assert sum(fewer) / len(fewer) >= 4, fewer
            assert settled(web, 2) == workers


NOBODY_IS_THERE = {"DATABASE_URL": "postgresql://u@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


def test_the_application_is_loaded_once_and_whoever_takes_a_killed_ones_place_has_the_same(start, tmp_path):
    told = tmp_path / "loaded"
    (tmp_path / "telling.py").write_text(
        f"from tests.benchmarks.empty import app\nwith open({str(told)!r}, 'a') as file: file.write('x')\n"
    )
    with start(2, "telling:app", PYTHONPATH=f"{tmp_path}{os.pathsep}{Path.cwd()}") as web:
        killed = next(iter(settled(web, 2)))
        psutil.Process(killed).kill()
        settled(web, 2, without=killed)
        # Also the one that came last answers.
        shares(web, 16, until=all)
    assert told.read_text() == "x"


def test_what_a_fork_would_break_is_not_there_before_it(start):
    """A connection that two processes hold is nobody's, and a thread lives in one of them only."""
    with start(2, "wsgi:app", SECRET_KEY="s" * 32, **NOBODY_IS_THERE) as web:
        master = psutil.Process(web.pid)
        settled(web, 2)
        assert master.num_threads() == 1
        assert {one.status for one in master.net_connections("all")} == {psutil.CONN_LISTEN}
