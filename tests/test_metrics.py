"""What /metrics tells of several processes: real ones, which share a folder, some of them killed."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from backend import clock, verified
from backend.database import transaction
from tests.benchmarks.web_server import serving

COUNTING = """
from backend import metrics
metrics.POOL_IN_USE.inc(6)
metrics.AWARDS.labels("metro_ride", "partner").inc({awards})
print("counted", flush=True)
input()
"""
# Files of all numbers that the child may get, also where they begin anew; whether it got one, its parent says.
FORKING = """
import os, shutil
from pathlib import Path
from backend import metrics
metrics.POOL_IN_USE.inc(6)
folder, mine = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]), os.getpid()
kept = folder / "kept"
shutil.copy(folder / f"gauge_livesum_{mine}.db", kept)
expected = {*range(mine + 1, mine + 3_000), *range(1, 3_000)} - {mine}
for pid in expected:
    (folder / f"gauge_livesum_{pid}.db").hardlink_to(kept)
if child := os.fork():
    os.waitpid(child, 0)
    print(child in expected)
else:
    print(metrics.POOL_IN_USE._value.get(), flush=True)
    os._exit(0)
"""
IN_USE = "tanhui_database_pool_in_use"
AWARDS = 'tanhui_awards_total{task="metro_ride",tier="partner"}'


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder in which all of them count."""
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def sharing(environment, shared):
    """The environment of a process that counts there."""
    return environment | {"PROMETHEUS_MULTIPROC_DIR": str(shared), "WEB_WORKERS": "2"}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "web.log"


@pytest.fixture(scope="module")
def web(migrated_app, sharing, log):
    """A web server whose /metrics tells it."""
    with serving("wsgi:app", environment=sharing, log=log) as running:
        yield running


@pytest.fixture
def told(app, web):
    """told() → what /metrics says, a number by name."""

    def ask():
        connection = HTTPConnection("127.0.0.1", web.port, timeout=30)
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    return ask


@contextmanager
def counting(environment, *, awards=0):
    """Another process that has six connections in use, and counts awards."""
    argv = [sys.executable, "-c", COUNTING.format(awards=awards)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout.readline() == "counted\n"
            yield process
        finally:
            process.kill()


def flask(*words, environment):
    argv = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_connections_of_a_process_that_was_killed_are_in_use_no_more_and_its_awards_stay(told, sharing, shared):
    before = told()
    with counting(sharing, awards=5) as process:
        assert told()[IN_USE] == before[IN_USE] + 6
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = told()
    assert after[IN_USE] == before[IN_USE]
    assert after[AWARDS] == before.get(AWARDS, 0) + 5
    assert not list(shared.glob(f"gauge_live*_{process.pid}.db"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counter_400000001.db", b""),
        ("counter_400000002.db", b"\x10"),
        ("histogram_400000003.db", b"\x00\x02\x00\x00\x00\x00\x00\x00\xff\x00\x00\x00" + b"x" * 40),
        ("gauge_mostrecent_400000004.db", b"\x40\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00not json" + b"\x00" * 60),
        ("notes.db", b"\x40\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00not ours" + b"\x00" * 60),
    ],
)
def test_a_file_that_cannot_be_read_is_left_out_and_named(told, sharing, shared, log, name, content):
    with counting(sharing, awards=2):
        before = told()
        (shared / name).write_bytes(content)
        try:
            after = told()
        finally:
            (shared / name).unlink()
    assert (after[AWARDS], after[IN_USE]) == (before[AWARDS], before[IN_USE])
    named = [line for line in log.read_text().splitlines() if name in line]
    assert len(named) == 1
    assert "cannot be read and is left out" in named[0]


def test_a_folder_in_which_nothing_can_be_looked_up_is_no_reason_to_fail(told, shared):
    (shared / "counter_400000005.db").symlink_to(shared / "absent")
    try:
        assert told()['tanhui_up{server="database"}'] == 1
    finally:
        (shared / "counter_400000005.db").unlink()


def test_commands_leave_no_files_and_what_verify_has_found_is_told_all_the_same(told, sharing, shared):
    with transaction():
        verified.tell(as_of=clock.now(), differences=3, residents=0, actions=0, entries=0, boards=0)
    assert told()["tanhui_verify_differences"] == 3
    files = set(shared.iterdir())
    done = flask("verify", environment=sharing)
    assert done.returncode == 0, done.stderr
    assert set(shared.iterdir()) == files
    after = told()
    assert after["tanhui_verify_differences"] == 0
    assert after["tanhui_verified_at_seconds"] == pytest.approx(time.time(), abs=60)


def test_a_command_needs_no_folder_that_is_there(app, sharing, tmp_path):
    done = flask("verify", environment=sharing | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "absent")})
    assert done.returncode == 0, done.stderr


def test_a_worker_counts_where_the_web_server_reads(told, sharing, shared):
    before = told()
    argv = [sys.executable, "-c", "from tasks import app; from backend import metrics; metrics.PROJECTED.inc(7)"]
    subprocess.run(argv, env=sharing, check=True)
    assert told()["tanhui_projected_rows_total"] == before["tanhui_projected_rows_total"] + 7


def test_whoever_gets_the_number_of_one_that_was_killed_begins_at_nothing(sharing, tmp_path):
    own = sharing | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with counting(own) as process:
        pass
    left = tmp_path / f"gauge_livesum_{process.pid}.db"
    assert left.exists()
    told = "from backend import metrics; print(metrics.POOL_IN_USE._value.get())"
    taken = f'mv {left} {tmp_path}/gauge_livesum_$$.db && exec {sys.executable} -c "{told}"'
    done = subprocess.run(["sh", "-c", taken], env=own, capture_output=True, text=True, check=True)
    assert done.stdout == "0.0\n"


def test_so_does_a_child_that_is_forked(sharing, tmp_path):
    own = sharing | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FORKING], env=own, capture_output=True, text=True, check=True)
    assert done.stdout == "0.0\nTrue\n"
