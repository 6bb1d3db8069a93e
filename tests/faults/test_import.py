"""kill -9 of PostgreSQL while a file is imported, and right after: run again, each row counts exactly once."""

import json
import subprocess
import sys
from datetime import date, timedelta

import psutil
import pytest

from tests.faults.parts import Part
from tests.faults.site import NOON, ROOT, kill, until

RIDERS = 3_000
DAYS = 5
ROWS = RIDERS * DAYS
COUNT = "SELECT count(*), count(DISTINCT (resident_id, local_day)) FROM actions WHERE status = 'credited'"
HEADER = "external_id,subject,started_at,ended_at,quantity"


@pytest.fixture
def file(tmp_path, today):
    """A ride a day of each rider."""
    path = tmp_path / "rides.csv"
    rides = [
        f"{day}-{rider},u-{rider},{day} 08:00,{day} 08:15,2000"
        for day in (today - timedelta(days=back) for back in range(1, DAYS + 1))
        for rider in range(RIDERS)
    ]
    path.write_text("\n".join([HEADER, *rides, ""]))
    return path


@pytest.fixture
def today(site):
    ((day,),) = site.rows(f"SELECT (now() AT TIME ZONE '{NOON.key}')::date")
    assert isinstance(day, date)
    return day


@pytest.fixture
def importing(site, file):
    """importing() → an import that has begun."""
    argv = [sys.executable, "-m", "flask", "--app", "wsgi", "ingest", str(file), "--partner", "bikes", "--json"]
    argv += ["--bind-subjects", "--page-size", "100"]

    def begin():
        return subprocess.Popen(
            argv, cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return begin


def kill_postgresql(site):
    """It comes back by itself."""
    (postmaster,) = site.find(Part.DATABASE)
    kill(postmaster)
    psutil.wait_procs([postmaster], timeout=30)
    until(site.ready, seconds=60, what=site.said)


def test_an_import_whose_postgresql_is_killed_is_started_again_and_nothing_is_lost_or_there_twice(site, importing):
    with importing() as process:
        until(lambda: site.rows(COUNT)[0][0] > ROWS // 5, seconds=60)
        kill_postgresql(site)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Stopped after" in said
    assert "Run the same command again" in said
    assert 0 < site.rows(COUNT)[0][0] < ROWS
    with importing() as again:
        told = json.loads(again.communicate(timeout=120)[0])
    kill_postgresql(site)
    # What was told at the end is there, whatever happens next.
    assert site.rows(COUNT) == [(ROWS, ROWS)]
    assert (told["rows"], told["credited"] + told["duplicate"]) == (ROWS, ROWS)
    assert told["credited"] > 0
    verified = site.flask("verify")
    assert verified.returncode == 0, verified.stdout
