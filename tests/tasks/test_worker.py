"""A real worker with its clock, in its own process."""

import signal
import subprocess
import sys
import time

import pytest

from backend import redis
from tests.projections import Deeds, expected_now, projected, waiting

PATIENCE_S = 120
"""For what must happen. A chore that meets another one, which the clock has sent, comes back after a minute."""


@pytest.fixture
def worker(app, environment, tmp_path):
    """A worker that has come up; it is stopped at the end, and must go by itself."""
    options = ["--quiet", "-A", "tasks.app", "worker", "--beat", "--loglevel", "WARNING", "--concurrency", "2"]
    command = [sys.executable, "-m", "celery", *options, "--schedule", str(tmp_path / "beat")]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 0


def until(condition):
    """Wait for what another process does; there is nothing of it that could be awaited here."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_projects_by_the_clock_and_does_what_it_is_sent(worker, jobs, resident, settings):
    deeds = Deeds(settings)
    deeds.record(resident)
    until(lambda: waiting() == 0)
    assert projected() == expected_now()
    answer = jobs.clean_up.apply_async(ignore_result=False)
    assert answer.get(timeout=PATIENCE_S)["nonces"] == 0
    # All messages, and what Celery knows of its queues, are gone: the clock goes on.
    redis.client().flushdb()
    deeds.record(resident, minute=60)
    until(lambda: waiting() == 0)
    assert projected() == expected_now()
