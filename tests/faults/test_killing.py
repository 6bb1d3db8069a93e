"""The killing itself: what is counted is who was alive, and died of it."""

import random
import signal
import subprocess
import sys
from collections import Counter
from itertools import islice

import psutil
import pytest

from tests.faults.killing import blows, kill_one_of
from tests.faults.parts import Part


@pytest.fixture
def start():
    """start() → a process that waits until it is killed."""
    started = []

    def start_one():
        started.append(subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE))
        return started[-1]

    yield start_one
    for process in started:
        with process:
            process.kill()


def known(process):
    return psutil.Process(process.pid)


def test_who_lives_is_killed_and_counted_once(start):
    victim, other = start(), start()
    assert kill_one_of([known(victim), known(other)]) == victim.pid
    assert victim.wait(10) == -signal.SIGKILL
    assert other.poll() is None


def test_who_was_killed_before_is_not_counted_again_but_the_next_is_killed(start):
    dead, living = known(start()), known(start())
    assert kill_one_of([dead]) == dead.pid
    # Nobody has waited for it: it is a zombie.
    assert kill_one_of([dead]) == 0
    assert kill_one_of([dead, living]) == living.pid


def test_who_is_gone_is_not_counted(start):
    process = start()
    gone = known(process)
    process.communicate()
    assert kill_one_of([gone]) == 0


def test_nobody_there_is_nobody_killed():
    assert kill_one_of([]) == 0


def test_every_part_has_its_turn_and_several_now_and_then():
    hit = list(islice(blows(random.Random(1)), 40))
    alone = Counter(blow.parts[0] for blow in hit if len(blow.parts) == 1)
    assert alone == dict.fromkeys(Part, 4)
    assert {len(blow.parts) for blow in hit} == {1, 2, 3}
