"""Backups: complete or absent, while the site goes on."""

import json
import os
import stat
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from backend import backed_up, create_app
from backend.backup import dumping
from backend.embedded import locks
from tests.backup.conftest import Site
from tests.together import meanwhile


@pytest.fixture
def into(tmp_path):
    return tmp_path / "backups"


def names(into):
    return sorted(path.name for path in into.iterdir() if path.name != ".lock")


def test_a_backup_has_a_checksum_beside_it_and_is_for_our_eyes_only(site, city, into):
    dump = site.backup(into)
    told = json.loads(dump.with_suffix(".json").read_text())
    assert told["sha256"] == sha256(dump.read_bytes()).hexdigest()
    assert told["bytes"] == dump.stat().st_size
    assert names(into) == sorted([dump.name, dump.with_suffix(".json").name])
    assert {stat.S_IMODE(path.stat().st_mode) for path in into.iterdir()} == {0o600}
    assert stat.S_IMODE(into.stat().st_mode) == 0o700


def test_a_backup_is_of_one_moment_while_actions_are_recorded(app, site, city, into, other):
    """Whatever was acknowledged before is in it, and what is in it adds up."""
    recorded = []
    with meanwhile(app, lambda: recorded.append(city.live())):
        while not recorded:
            time.sleep(0.01)
        before = site.count()
        dump = site.backup(into)
        after = site.count()
    assert before < after
    other.run("restore", dump)  # which verifies
    assert before <= other.count() <= after


def test_only_the_newest_are_kept_if_so_wished(site, city, into):
    into.mkdir()
    for day in range(1, 5):
        for suffix in ("dump", "json", "secrets"):
            (into / f"tanhui-2020010{day}T000000Z.{suffix}").touch()
    (into / "notes.txt").touch()
    dump = site.backup(into, "--keep", "2")
    assert [path.name for path in sorted(into.glob("*.dump"))] == ["tanhui-20200104T000000Z.dump", dump.name]
    assert len(names(into)) == 3 + 2 + 1


def test_nothing_is_overwritten(site, city, into, monkeypatch):
    first = site.backup(into)
    content = first.read_bytes()
    at = datetime.strptime(first.stem, "tanhui-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    monkeypatch.setattr(dumping.clock, "now", lambda: at)
    assert "never overwritten" in site.run("make", "--folder", into, status=1)
    assert first.read_bytes() == content


def test_two_at_once_do_not_get_into_each_others_way(site, city, into):
    into.mkdir()
    held = locks.take_exclusive(into / ".lock", seconds=0)
    try:
        assert "Another backup is being written" in site.run("make", "--folder", into, status=1)
    finally:
        os.close(held)
    site.backup(into)


def test_what_a_killed_backup_has_left_goes_with_the_next(site, city, into):
    into.mkdir()
    (into / ".unfinished-tanhui-20200101T000000Z.dump").write_text("half")
    dump = site.backup(into)
    assert names(into) == sorted([dump.name, dump.with_suffix(".json").name])


@pytest.fixture
def full_disk(tmp_path):
    """A folder on a disk of 64 kB. Where we may not mount one, the system's own full device serves."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)], check=False)
    if done.returncode:
        pytest.skip("mounting a small disk takes root: run the tests as root to see this one")
    yield mounted
    subprocess.run(["umount", str(mounted)], check=True)


def test_a_full_disk_is_told_plainly_and_nothing_half_made_stays(site, city, full_disk):
    for _ in range(400):
        city.live()
    said = site.run("make", "--folder", full_disk / "backups", status=1)
    assert "is full, and nothing was kept" in said
    assert names(full_disk / "backups") == []


def test_a_folder_that_cannot_be_used_is_named(site, city, tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be used" in site.run("make", "--folder", tmp_path / "file" / "backups", status=1)


def test_a_backup_of_which_the_alarm_cannot_be_told_is_there_and_that_is_said(site, city, into):
    (site.settings.tanhui_var / backed_up.MARK).unlink(missing_ok=True)
    (site.settings.tanhui_var / backed_up.MARK).mkdir()
    try:
        said = site.run("make", "--folder", into, status=1)
    finally:
        (site.settings.tanhui_var / backed_up.MARK).rmdir()
    assert "The backup is there, but" in said
    assert "TanhuiNoBackup will ring" in said
    assert len(list(into.glob("*.dump"))) == 1


def test_where_there_is_no_site_yet_there_is_nothing_to_back_up(other, into):
    assert "nothing to back up" in other.run("make", "--folder", into, status=1)
    assert not into.exists()


def test_no_password_stands_on_a_command_line(site):
    address = site.address.of("postgresql+psycopg://me:very%20secret@db.city.example:6432/tanhui?sslmode=require")
    assert "secret" not in address.words
    assert address.secrets == {"PGPASSWORD": "very secret"}
    assert "sslmode=require" in address.words
    assert address.beside("postgres").database == "postgres"


def test_the_address_is_told_as_psql_understands_it(app, settings):
    hosts = "host=db1:5432&host=db2:5433&target_session_attrs=read-write"
    url = f"postgresql+psycopg://tanhui:sec%20ret@/tanhui?{hosts}"
    elsewhere = create_app(replace(settings, database_url=url), serves=False)
    told = {"dbname=tanhui", "user=tanhui", "host=db1,db2", "port=5432,5433", "target_session_attrs=read-write"}
    assert set(Site(elsewhere).run("address").split()) == told
    assert Site(elsewhere).run("address", "--password") == "sec ret\n"
    elsewhere.extensions["redis"].close()
