"""What is in deploy/ fits together, and what the programs that read it would say."""

import re
import shutil
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backend.config import Settings
from tasks.schedule import SCHEDULE

DEPLOY = Path(__file__).parents[2] / "deploy"
TIMER = re.search(
    r"^OnCalendar=(.+ (\d\d):\d\d (\S+))$", (DEPLOY / "systemd" / "tanhui-backup.timer").read_text(), re.MULTILINE
)


def accepted(*command):
    """Whether a program is content; a machine without it cannot say."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def test_the_nightly_backup_is_made_by_the_citys_clock_and_before_the_nightly_verify():
    _, hour, zone = TIMER.groups()
    assert ZoneInfo(zone) == Settings().city_time_zone
    assert {int(hour) + 1} == SCHEDULE["verify"]["schedule"].hour


def test_systemd_knows_when_that_is():
    assert accepted("systemd-analyze", "calendar", TIMER[1])
