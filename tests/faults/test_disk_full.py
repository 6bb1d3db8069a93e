"""A disk that fills up while the site writes: refusals that say so, nothing corrupt, and back once there is room.

The whole data folder lies on it: PostgreSQL, Valkey, logs, metrics, the clock's schedule.
"""

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.faults import report
from tests.faults.outages import Fault, outages
from tests.faults.pages import check_pages
from tests.faults.parts import Part
from tests.faults.promise import KINDS, Promise
from tests.faults.site import Site, until

GIVEN = os.environ.get("FAULTS_SMALL_DISK")
MEGABYTES = 400
LASTS_S = 4.0 if report.SHORT else 10.0
SEED = 13
PAGE = 4096
READS = ("me", "wallet", "board", "totals")
TABLES, LOG = "disk full: tables cannot grow", "disk full: PostgreSQL's log cannot grow"


@pytest.fixture
def disk(tmp_path):
    """A folder on a small file system of its own."""
    if GIVEN:
        yield Path(GIVEN)
        return
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0711", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(
            f"Only root may mount a small file system ({mounted.stderr.strip()}): run this as root, or mount one"
            f" of about {MEGABYTES} MB and name it in FAULTS_SMALL_DISK."
        )
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def site(disk, tmp_path):
    made = Site(disk / "site")
    made.log = tmp_path / "site.log"
    try:
        made.start()
        yield made
        made.stop()
    finally:
        made.clear()


def test_a_full_disk_refuses_writes_corrupts_nothing_and_is_forgotten_once_there_is_room(site, shop, disk, tmp_path):
    title = "A full disk under load"
    at_once = site.time_outs.at_once_s
    # What fits into pages that are there already is still taken.
    no_room = Fault(TABLES, lambda: full_for_tables(site, disk), 2 * LASTS_S, Promise(works=READS, longest_s=at_once))
    no_log = Fault(LOG, lambda: full_for_the_log(site, disk), LASTS_S, Promise(refuses=KINDS, longest_s=at_once))
    with outages(site, shop, folder=tmp_path / "diaries", seed=SEED, title=title, section="disk") as run:
        run.suffer(no_room)
        run.suffer(no_log)
    site.stop()
    assert check_pages(site.folder, disk_was_full=True)


@contextmanager
def full(disk):
    """Somebody's file takes all that is left."""
    balloon = disk / "balloon"
    _blow_up(balloon, disk)
    yield
    balloon.unlink()


@contextmanager
def full_for_tables(site, disk):
    """The same; PostgreSQL says so."""
    with full(disk):
        with site.connect() as connection, pytest.raises(psycopg.errors.DiskFull):
            connection.execute("CREATE TABLE more AS SELECT repeat('x', 9000) FROM generate_series(1, 100000)")
        yield


@contextmanager
def full_for_the_log(site, disk):
    """The same, and PostgreSQL needs its next segment now: it stops rather than go on without its log."""
    (before,) = site.find(Part.DATABASE)
    with full(disk):
        until(lambda: _has_stopped(site, before), seconds=60, what=lambda: "PostgreSQL found room for its log")
        yield


def _has_stopped(site, server):
    with suppress(psycopg.OperationalError), site.connect(role="postgres") as connection:
        while server.is_running():
            # A switch of an empty segment does nothing.
            connection.execute("SELECT pg_logical_emit_message(FALSE, 'full', 'disk'), pg_switch_wal()")
    return not server.is_running() or server not in site.find(Part.DATABASE)


def _blow_up(balloon, disk):
    # Others write meanwhile: what did not fit is tried again in smaller pieces.
    with balloon.open("wb") as file:
        piece, size = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize, 0
        while piece >= PAGE:
            try:
                os.posix_fallocate(file.fileno(), size, piece)
                size += piece
            except OSError:
                piece //= 2
