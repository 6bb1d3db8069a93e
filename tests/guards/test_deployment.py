"""What is in deploy/ fits together, and what the programs that read it would say."""

import re
import shutil
import subprocess
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from backend.config import Settings
from tasks.schedule import SCHEDULE

DEPLOY = Path(__file__).parents[2] / "deploy"
TIMER = re.search(r"OnCalendar=(.+ (\d\d):\d\d (\S+))\n", (DEPLOY / "systemd" / "tanhui-backup.timer").read_text())
UNIT = DEPLOY / "systemd" / "tanhui-web@.service"
SCRAPE = DEPLOY / "prometheus" / "scrape.yml"
RULES = DEPLOY / "prometheus" / "tanhui.rules.yml"


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


def test_the_example_for_other_machines_sets_what_the_unit_sets():
    example = UNIT.with_name(f"{UNIT.name}.d") / "host.conf.example"
    set_by = [re.findall(r"^Environment=(\w+)=", path.read_text(), re.MULTILINE) for path in (UNIT, example)]
    assert set_by == [["HOST"], ["HOST"]]


def test_the_jobs_that_alerts_ask_for_are_those_that_are_asked():
    jobs = {job["job_name"]: job for job in yaml.safe_load(SCRAPE.read_text())["scrape_configs"]}
    assert set(re.findall(r'job="([^"]+)"', RULES.read_text())) == jobs.keys() - {"node"}
    # Counted once: whoever is asked for its health alone tells no figures.
    (dropped,) = jobs["tanhui-web"]["metric_relabel_configs"]
    assert (dropped["action"], dropped["source_labels"], dropped["regex"]) == ("drop", ["__name__"], ".*")


@pytest.mark.parametrize(("what", "path"), [("config", SCRAPE), ("rules", RULES)])
def test_prometheus_takes_them(what, path):
    assert accepted("promtool", "check", what, path)
