"""Killed in the middle and started again: the same figures."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from multiprocessing import util
from pathlib import Path

import psutil
import pytest

from backend.database import db, transaction
from tests.actions.holding import somebody_else, until
from tests.books import differences
from tests.faults.parts import lives

ROOT = Path(__file__).parents[2]
SUBJECTS, HOURS = 400, 12
REFUSED = SUBJECTS * 6
"""Rows at most: six rides a day count."""


@pytest.fixture
def many_rides(csv_file, row):
    return csv_file(
        *[
            row(
                f"{subject}-{hour}",
                subject=f"u-{subject}",
                at=f"{hour + 7:02}:00",
                until=f"{hour + 7:02}:40",
                metres="5500",
            )
            for hour in range(HOURS)
            for subject in range(SUBJECTS)
        ]
    )


def stored():
    with transaction():
        session = db.session()
        return session.scalar(db.text("SELECT count(*) FROM external_events"))


OPTIONS = ["--bind-subjects", "--page-size", "20"]
SECOND_HALF = f"""
INSERT INTO external_events (partner_id, external_id, subject, received_at)
SELECT id, rider || '-0', 'somebody', now()
FROM partners, (SELECT n::text FROM generate_series(0, {SUBJECTS - 1}) n ORDER BY 1 OFFSET {SUBJECTS // 2}) AS t (rider)
WHERE code = 'bikes'
"""
"""The first ride of each of those whose turn comes later: an import goes by the names of subjects."""


@pytest.fixture
def begin(app, environment):
    """begin(file) → a process that imports it by two processes of its own."""
    begun = []

    def run(file):
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "ingest", str(file), "--partner", "bikes"]
        options = [*OPTIONS, "--processes", "2", "--json"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        begun.append(
            subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env=environment,
                text=True,
                start_new_session=True,
                **pipes,
            )
        )
        return begun[-1]

    # Whoever runs these tests in the background has it ignored, and so would their processes.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield run
    signal.signal(signal.SIGINT, before)
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def let_go(app):
    """An import comes as far as rides that somebody else is just storing, and waits; let_go() takes those back."""
    with somebody_else() as connection:
        connection.execute(SECOND_HALF)
        yield connection.rollback


@pytest.fixture
def importing(begin, many_rides, let_go):
    """A process that imports many rides, caught in the middle: its children are there, and the first rides."""
    process = begin(many_rides)
    patience = threading.Event()
    while stored() < SUBJECTS and process.poll() is None:
        patience.wait(0.01)
    return process


@pytest.fixture
def half_read(begin, many_rides):
    """A process that has been given half of a file and waits for the rest, its children, and the rest."""
    lines = many_rides.read_text().splitlines(keepends=True)
    process = begin("-")
    process.stdin.writelines(lines[: len(lines) // 2])
    process.stdin.flush()
    patience = threading.Event()
    while len(children := psutil.Process(process.pid).children()) < 2 and process.poll() is None:
        patience.wait(0.01)
    return process, children, "".join(lines[len(lines) // 2 :])


@pytest.mark.parametrize(
    ("how", "send"), [(signal.SIGKILL, os.kill), (signal.SIGINT, os.kill), (signal.SIGINT, os.killpg)]
)
def test_an_import_that_is_stopped_while_it_reads_has_credited_nothing(half_read, how, send):
    process, children, _ = half_read
    send(process.pid, how)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert stored() == 0


class _Marked:
    """What the processes of an import are born with, in this test."""


def test_ctrl_c_at_the_birth_of_its_processes_is_heard_by_the_command_alone(ingest, many_rides, capfd):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    born = _Marked()
    # The first that a process of multiprocessing does.
    util.register_after_fork(born, lambda _: os.kill(os.getpid(), signal.SIGINT))
    try:
        assert ingest(many_rides, *OPTIONS[:1], "--page-size", "300", "--processes", "2")["participants"] == SUBJECTS
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Traceback" not in capfd.readouterr().err


def test_an_import_of_which_one_process_is_killed_while_it_reads_has_credited_nothing(half_read):
    process, (doomed, other), rest = half_read
    doomed.kill()
    # Told the rest before it is gone, the other one could credit a page before that is noticed.
    until(lambda: not lives(doomed))
    _, said = process.communicate(rest, timeout=60)
    assert process.returncode == 1
    assert "Stopped after 0 rows: one of its processes broke off. Run the same command again" in said
    assert psutil.wait_procs([other], timeout=30)[1] == []
    assert stored() == 0


def test_an_import_that_is_killed_is_started_again_and_comes_to_the_same(
    importing, let_go, ingest, many_rides, figures
):
    children = psutil.Process(importing.pid).children()
    assert len(children) == 2
    importing.send_signal(signal.SIGKILL)
    let_go()
    importing.communicate()
    assert importing.returncode == -signal.SIGKILL
    # Nobody has told its processes: they must have seen by themselves that it is gone.
    assert psutil.wait_procs(children, timeout=30)[1] == []
    wanted = SUBJECTS * 6
    assert SUBJECTS <= stored() < wanted
    assert differences(with_actions=True) == []
    told = ingest(many_rides, *OPTIONS[:1])
    assert told["duplicate"] > 0
    assert told["refused"] == {"daily-limit-reached": SUBJECTS * (HOURS - 6)}
    # 5,500 m save 524,150 mg; 52 points, of which the second ride of a day has 48 left of 100.
    assert figures() == ([wanted, wanted * 524_150, SUBJECTS * 100, SUBJECTS], [100] * 5)
    assert differences(with_actions=True) == []
    assert json.dumps(told)


def test_an_import_of_which_one_process_is_killed_says_so_and_is_started_again(
    importing, let_go, ingest, many_rides, figures
):
    doomed, other = psutil.Process(importing.pid).children()
    doomed.kill()
    let_go()
    _, said = importing.communicate(timeout=60)
    assert importing.returncode == 1
    told = re.search("Stopped after ([0-9,]+) rows: one of its processes broke off. Run the same command again", said)
    # The doomed one may have committed a page more than it told.
    assert SUBJECTS / 2 < int(told[1].replace(",", "")) <= stored() + REFUSED
    assert psutil.wait_procs([other], timeout=30)[1] == []
    assert differences(with_actions=True) == []
    ingest(many_rides, *OPTIONS)
    assert figures() == ([SUBJECTS * 6, SUBJECTS * 6 * 524_150, SUBJECTS * 100, SUBJECTS], [100] * 5)


def test_it_does_not_matter_how_many_processes_an_import_has(ingest, many_rides, figures):
    told = [ingest(many_rides, *OPTIONS[:1], "--page-size", "300", "--processes", count) for count in ("5", "1")]
    assert [one["refused"] for one in told] == [{"daily-limit-reached": SUBJECTS * (HOURS - 6)}] * 2
    assert (told[0]["credited"] + told[0]["capped"], told[1]["duplicate"]) == (SUBJECTS * 6, SUBJECTS * 6)
    assert [problem["row"] for problem in told[0]["problems"]] == sorted(p["row"] for p in told[0]["problems"])
    assert figures() == ([SUBJECTS * 6, SUBJECTS * 6 * 524_150, SUBJECTS * 100, SUBJECTS], [100] * 5)
    assert differences(with_actions=True) == []
