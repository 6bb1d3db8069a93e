"""What an operator copies from deploy/ works as it stands, and fits together."""

import json
import os
import re
import shlex
import shutil
import subprocess
from fnmatch import fnmatch
from http import HTTPStatus
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from backend.config import Settings
from backend.openapi.answers import TOO_LARGE
from tasks.schedule import SCHEDULE
from tests.guards.programs import accepted

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = (DEPLOY / "nginx" / "tanhui.conf").read_text(encoding="utf-8")
TIMER = re.search(r"OnCalendar=(.+ (\d\d):\d\d (\S+))\n", (DEPLOY / "systemd" / "tanhui-backup.timer").read_text())
ROTATION = (DEPLOY / "logrotate" / "tanhui").read_text(encoding="utf-8")
UNIT = DEPLOY / "systemd" / "tanhui-web@.service"
SCRAPE = DEPLOY / "prometheus" / "scrape.yml"
RULES = DEPLOY / "prometheus" / "tanhui.rules.yml"
STAND_IN = """#!/bin/sh
printf '%s\\n' "$*" "$(id -u)" "$PWD" "$DATABASE_URL" "${PROMETHEUS_MULTIPROC_DIR-unset}" "$HOME"
"""
TWO_HOSTS = "postgresql+psycopg://tanhui:p@/tanhui?host=db1:5432&host=db2:5432&target_session_attrs=read-write"


@pytest.fixture
def command(tmp_path):
    """command(*words) → what tanhui-cli ran and how, a line each; in a project whose flask tells that."""
    project = tmp_path / "project"
    flask = project / ".venv" / "bin" / "flask"
    flask.parent.mkdir(parents=True)
    flask.write_text(STAND_IN)
    flask.chmod(0o755)
    (project / "deploy").mkdir()
    shutil.copy(DEPLOY / "tanhui-cli", project / "deploy")
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "tanhui-cli"
    link.symlink_to(project / "deploy" / "tanhui-cli")
    settings = tmp_path / "env"
    settings.write_text(f'DATABASE_URL="{TWO_HOSTS}"\nPROMETHEUS_MULTIPROC_DIR="{tmp_path}/absent"\n')

    def run(*words, file=settings, user="root"):
        environment = {"PATH": os.environ["PATH"], "TANHUI_ENV_FILE": str(file), "TANHUI_USER": user, "HOME": "/before"}
        return subprocess.run(
            [link, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


def test_a_command_gets_the_settings_of_the_units_wherever_it_is_called(command, tmp_path):
    done = command("backup", "restore", "a file.dump")
    assert (done.returncode, done.stderr) == (0, "")
    words, user, place, database_url, counters, _ = done.stdout.splitlines()
    assert words == f"--app {tmp_path}/project/wsgi.py backup restore a file.dump"
    assert (user, place, database_url, counters) == (str(os.geteuid()), str(tmp_path), TWO_HOSTS, "unset")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else: run the tests as root to see it")
def test_called_by_root_it_runs_as_the_sites_user(command, tmp_path):
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(0o755)
    _, user, *_, home = command("verify", user="nobody").stdout.splitlines()
    assert user == subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
    assert home == "/nonexistent"


def test_without_the_file_of_settings_it_says_so(command, tmp_path):
    done = command("verify", file=tmp_path / "absent")
    assert (done.returncode, done.stdout) == (78, "")
    assert "cannot be read: become root" in done.stderr


def test_every_value_of_the_example_is_read_alike_by_systemd_and_the_shell():
    lines = (DEPLOY / "tanhui.env.example").read_text().splitlines()
    values = [line.partition("=")[2] for line in lines if line and not line.startswith("#")]
    assert len(values) > 8
    # Within quotes both take all but these literally.
    assert all(re.fullmatch(r'"[^"$`\\\\]*"', value) and len(shlex.split(value)) == 1 for value in values)


@pytest.mark.parametrize("unit", ["tanhui-web@", "tanhui-worker", "tanhui-clock"])
def test_a_unit_that_is_always_started_again_is_not_where_a_setting_is_wrong(unit):
    lines = (DEPLOY / "systemd" / f"{unit}.service").read_text().splitlines()
    assert "Restart=always" in lines
    assert f"RestartPreventExitStatus={os.EX_CONFIG}" in lines


@pytest.mark.parametrize(
    ("status", "slug"), [(503, "upstream-unavailable"), (TOO_LARGE.status, TOO_LARGE.slug)], ids=str
)
def test_what_nginx_itself_refuses_is_told_as_we_would(status, slug):
    (body,) = re.findall(rf"return {HTTPStatus(status).value} '(.*)';", NGINX)
    told = json.loads(body)
    assert (told["type"], told["status"], told["detail"]) == (slug, status, told["title"])
    assert NGINX.count("default_type application/problem+json;") == 2


def test_what_nginx_logs_of_requests_is_kept_for_six_months_and_says_when():
    logs = re.findall(r"access_log (\S+) tanhui;", NGINX)
    (rotated,) = re.findall(r"^(/\S+) {", ROTATION, re.MULTILINE)
    assert len(logs) == len(re.findall(r"^server {", NGINX, re.MULTILINE))
    assert all(fnmatch(log, rotated) for log in logs)
    # Debian's rule is read first, and logrotate skips a second one for the same file.
    assert not any(fnmatch(log, "/var/log/nginx/*.log") for log in logs)
    assert "\tdaily\n" in ROTATION
    assert int(re.search(r"^\trotate (\d+)$", ROTATION, re.MULTILINE)[1]) > 184
    assert "$time_iso8601" in NGINX


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
