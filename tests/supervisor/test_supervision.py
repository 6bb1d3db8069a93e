"""`make run` from start to stop, with stand-ins for the programs and real servers."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from backend import embedded
from backend.embedded import locks
from tests.apart import free_port, surroundings

STAND_IN = Path(__file__).with_name("stand_in.py")
SECONDS = 30
NAMES = ("web", "clock", "worker")


class Site:
    """A supervised stand-in site in a folder."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.diary = folder.parent / "diary"
        self.process = None

    def start(self, **environment):
        told = surroundings() | {"TANHUI_VAR": str(self.folder), "PORT": str(self.port), "TANHUI_DURABILITY": "off"}
        self.process = subprocess.Popen(
            [sys.executable, str(STAND_IN)],
            env=told | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def until(self, words):
        """Read what it says up to a line that holds `words`."""
        said = []
        for line in self.process.stdout:
            said.append(line)
            if words in line:
                return "".join(said)
        raise AssertionError(f"it never said {words!r} but:\n{''.join(said)}")

    def running(self):
        self.until("Tanhui is running")
        self.until("Data")
        return self.whole()

    def whole(self):
        """Healthy is the web server by itself; wait for the others too."""
        while not all(self.pids(name) for name in NAMES):
            assert self.process.poll() is None
        return self

    def ends(self):
        """Its exit code and its last words."""
        with self.process.stdout as output:
            said = output.read()
        return self.process.wait(SECONDS), said

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.ends()

    def listens(self):
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def pids(self, name):
        starts = re.findall(rf"^{name} starts (\d+)$", self.diary.read_text(), re.MULTILINE)
        return [int(pid) for pid in starts]

    def events(self):
        return re.findall(r"^(\w+ (?:starts|stops)|prepare)", self.diary.read_text(), re.MULTILINE)


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("TANHUI_DURABILITY", "off")
    site = Site(tmp_path / "var", free_port())
    yield site
    if site.process and site.process.poll() is None:
        site.stop()
    if site.folder.exists():
        embedded.attach(site.folder)
        embedded.release(site.folder)


def test_it_prepares_serves_says_where_to_look_and_stops_in_order(site):
    site.start()
    site.until("Tanhui is running")
    said = site.until("Data")
    site.whole()
    for place in ("/docs", "/api/v1/public/totals"):
        assert f"http://127.0.0.1:{site.port}{place}" in said
    code, last_words = site.stop()
    assert (code, last_words) == (0, "\nStopped.\n")
    assert site.events()[0] == "prepare"
    assert sorted(site.events()[1:4]) == ["clock starts", "web starts", "worker starts"]
    assert site.events()[4:] == ["web stops", "clock stops", "worker stops"]
    assert not locks.is_held(site.folder / "locks" / "postgres")


def test_its_programs_share_its_servers(site):
    site.start().running()
    _, database_url, redis_url = site.diary.read_text().splitlines()[0].split()
    assert database_url.startswith("postgresql+psycopg://")
    assert redis_url.startswith("unix://")
    site.stop()


def test_it_starts_again_at_once_on_what_is_there(site):
    site.start().running().stop()
    site.start().running()
    assert site.stop()[0] == 0


def test_sigterm_stops_it_too(site):
    site.start().running()
    site.process.terminate()
    assert site.ends()[0] == 0


def test_a_port_that_is_taken_gets_one_sentence(site):
    with socket.create_server(("127.0.0.1", site.port)):
        assert site.start().ends() == (1, f"Port {site.port} is taken: set PORT, or stop the other server.\n")


def test_a_second_site_in_the_same_folder_gets_one_sentence(site, tmp_path):
    site.start().running()
    second = Site(site.folder, free_port())
    code, said = second.start().ends()
    assert code == 1
    assert said.startswith(f"Another `make run` uses {site.folder}: stop it, or set TANHUI_VAR and PORT for")
    assert site.stop()[0] == 0


@pytest.mark.parametrize("port", ["no", "0", "65536", "-1"])
def test_what_is_no_port_gets_one_sentence(site, port):
    expected = f"PORT={port} is not a port: set PORT to a number from 1 to 65535.\n"
    assert site.start(PORT=port).ends() == (1, expected)


def test_a_host_that_is_not_ours_gets_one_sentence(site):
    code, said = site.start(HOST="192.0.2.1").ends()
    assert code == 1
    assert said == "HOST=192.0.2.1 is no address of this machine: set HOST to 127.0.0.1 or 0.0.0.0.\n"


def test_a_preparation_that_fails_starts_nothing(site):
    code, said = site.start(PREPARE_EXIT_CODE="3").ends()
    assert code == 1
    assert said == "The preparation ended with exit code 3: its reason stands above.\n"
    assert site.events() == ["prepare"]


@pytest.mark.parametrize(
    ("name", "title"), [("web", "The web server"), ("clock", "The clock"), ("worker", "The background worker")]
)
def test_a_program_that_is_killed_is_started_again(site, name, title):
    site.start().running()
    os.kill(site.pids(name)[0], signal.SIGKILL)
    site.until(f"{title} was ended by signal 9: starting it again.")
    while len(site.pids(name)) < 2:
        assert site.process.poll() is None
    assert site.stop()[0] == 0


def test_a_database_that_is_killed_is_started_again_where_it_was(site):
    site.start().running()
    url = site.diary.read_text().splitlines()[0].split()[1].replace("+psycopg", "")
    os.kill(int((site.folder / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    site.until("PostgreSQL died: starting again.")
    while embedded.not_answering(site.folder):
        assert site.process.poll() is None
    embedded.attach(site.folder)  # returns when it has recovered
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    embedded.release(site.folder)
    assert site.stop()[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_its_programs_end_when_it_is_killed_and_the_next_start_finds_all_free(site):
    site.start().running()
    site.process.kill()
    site.process.wait()
    while sorted(site.events()[4:]) != ["clock stops", "web stops", "worker stops"]:
        pass
    while site.listens():
        pass  # it stops a moment before it is gone
    site.process.stdout.close()
    site.start().running()
    assert site.stop()[0] == 0
