"""Killed in the middle and started again: the same figures."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backend.database import db, transaction
from tests.books import differences

ROOT = Path(__file__).parents[2]
SUBJECTS, HOURS = 400, 12


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


def test_an_import_that_is_killed_is_started_again_and_comes_to_the_same(
    app, settings, ingest, many_rides, figures, servers
):
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "WECHAT_SECRET": settings.wechat_secret,
        "TANHUI_VAR": str(settings.tanhui_var),
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "ingest", str(many_rides), "--partner", "bikes"]
    options = ["--bind-subjects", "--page-size", "20", "--json"]
    process = subprocess.Popen([*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    patience = threading.Event()
    while stored() < SUBJECTS and process.poll() is None:
        patience.wait(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    wanted = SUBJECTS * 6
    assert SUBJECTS <= stored() < wanted
    assert differences(with_actions=True) == []
    told = ingest(many_rides, *options[:1])
    assert told["duplicate"] > 0
    assert told["refused"] == {"daily-limit-reached": SUBJECTS * (HOURS - 6)}
    # 5,500 m save 524,150 mg; 52 points, of which the second ride of a day has 48 left of 100.
    assert figures() == ([wanted, wanted * 524_150, SUBJECTS * 100, SUBJECTS], [100] * 5)
    assert differences(with_actions=True) == []
    assert json.dumps(told)
