"""Restoring: everything as it was, or nothing changed."""

import json
import os
import signal
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from backend import clock, create_app, verified
from backend.backup import adopting, keys, overlooking, restoring, running, swapping
from backend.database import db, transaction
from backend.embedded import locks
from backend.projector import service as projector
from backend.residents.restored import NUMBERS_SKIPPED
from tests.backup.conftest import OTHER, Site

pytestmark = pytest.mark.slow
SCRIPTS = ScriptDirectory(str(Path(__file__).parents[2] / "migrations"))
HEAD, *OLDER = [script.revision for script in SCRIPTS.walk_revisions()]


def described_anew(dump):
    """Make what lies beside a dump agree with it, as a damage before the checksum would."""
    path = dump.with_suffix(".json")
    content = dump.read_bytes()
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"sha256": sha256(content).hexdigest(), "bytes": len(content)})
    )


def test_the_restored_site_has_every_row_and_the_same_boards(site, other, city, tmp_path):
    board = "/leaderboards/points/all?scope=district"
    rows, shown = site.rows(), site.get(board, site.headers(city.anna)).json
    assert len(shown["items"]) == 2
    dump = site.backup(tmp_path)
    # Later than the backup, and on boards in the same Redis, which the other site must not trust.
    for _ in range(3):
        city.live()
    projector.drain()
    assert len(site.get(board, site.headers(city.anna)).json["items"]) == 5
    assert "The site is as it was at" in other.run("restore", dump)
    assert other.databases() == [OTHER]
    assert other.rows() == rows
    assert other.schema() == site.schema()
    assert other.has_statistics()
    assert other.get(board, other.headers(city.anna)).json == shown


def test_nobody_keeps_a_token_for_somebody_else(site, other, city, dump, new_resident):
    """Whoever joined after the backup is unknown now, and the number goes to nobody."""
    old, later = site.headers(city.anna), site.headers(new_resident("later"))
    other.run("restore", dump)
    assert other.get("/me", old).status_code == 401
    assert other.get("/me", later).status_code == 401
    board = "/leaderboards/points/all"
    assert [other.get(board, headers).status_code for headers in (old, later)] == [401, 401]
    assert other.get(board, other.headers(city.anna)).status_code == 200
    next_number = other.ask("SELECT nextval(pg_get_serial_sequence('residents', 'resident_id'))")[0][0]
    assert next_number > city.bert.resident_id + NUMBERS_SKIPPED


@pytest.fixture
def told(site):
    """The site's last verify found three differences."""
    with transaction():
        verified.tell(as_of=clock.now(), differences=3, residents=1, actions=1, entries=1, boards=1)


def test_the_alarm_is_told_what_is_so_and_not_what_the_backup_remembers(site, other, city, told, tmp_path):
    other.run("restore", site.backup(tmp_path / "backups"))
    assert other.ask("SELECT differences FROM last_verify") == [(0,)]


def test_whoever_dies_before_the_verify_leaves_neither_alarm_nor_all_clear(site, city, told):
    adopting.adopt(made_at="a moment ago")
    assert site.ask("SELECT differences FROM last_verify") == []


@pytest.mark.parametrize("cut", ["truncated", "a byte changed", "emptied"])
def test_a_damaged_dump_is_refused_and_loses_nothing(other, dump, keepsake, cut):
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes({"truncated": content[:-100], "a byte changed": content, "emptied": b""}[cut])
    assert "damaged or cut short" in other.run("restore", dump, "--replace", status=1)
    assert other.databases() == [OTHER]
    assert keepsake()


def test_damage_that_only_pg_restore_notices_loses_nothing_either(other, dump, keepsake):
    content = dump.read_bytes()
    dump.write_bytes(content[: len(content) // 2])
    described_anew(dump)
    assert "pg_restore gave up, and nothing was changed" in other.run("restore", dump, "--replace", status=1)
    assert other.databases() == [OTHER]
    assert keepsake()


def test_books_that_do_not_agree_take_nobodys_place_unless_accepted(site, other, city, damage, tmp_path):
    damage("UPDATE wallets SET co2e_mg = co2e_mg + 1")
    dump = site.backup(tmp_path / "damaged")
    assert "do not agree" in other.run("restore", dump, status=1)
    assert other.databases() == [OTHER]
    assert other.count() is None
    other.run("restore", dump, "--accept-differences")
    assert other.count() == site.count()


def test_what_is_there_is_replaced_only_if_so_wished_and_kept_aside(site, other, dump, keepsake):
    assert "holds something already" in other.run("restore", dump, status=1)
    assert keepsake()
    assert "stays as database tanhui_other_before_" in other.run("restore", dump, "--replace")
    assert other.count() == site.count()
    (_, former) = other.databases()
    assert keepsake(former)
    assert "holds something already" in other.run("restore", dump, status=1)
    assert former in other.run("discard", "--yes")
    assert other.databases() == [OTHER]
    assert "There are none" in other.run("discard")


def test_a_site_that_is_in_use_is_not_replaced_under_its_users(site, other, dump):
    with other.address.connect():
        said = other.run("restore", dump, status=1)
    assert "in use (1 × tanhui backup): stop the site first" in said
    assert other.databases() == [OTHER]


def test_make_run_at_work_or_redis_away_is_told_before_anything_is_done(other, dump):
    locks_folder = other.settings.tanhui_var / "locks"
    locks_folder.mkdir(parents=True)
    held = locks.take_exclusive(locks_folder / "supervisor", seconds=0)
    assert "is at work" in other.run("restore", dump, status=1)
    os.close(held)
    away = create_app(replace(other.settings, redis_url="redis://127.0.0.1:9/0"))
    assert "Redis does not answer" in Site(away).run("restore", dump, status=1)
    glue = "&" if "?" in other.settings.redis_url else "?"
    wrong = f"{other.settings.redis_url}{glue}username=nobody&password=wrong"
    stranger = create_app(replace(other.settings, redis_url=wrong))
    assert "Redis refuses us" in Site(stranger).run("restore", dump, status=1)
    assert other.count() is None


def test_who_comes_in_meanwhile_stops_the_swap_and_loses_nothing(site, other, dump, monkeypatch):
    monkeypatch.setattr(swapping, "PATIENCE_S", 0)
    monkeypatch.setattr(swapping, "LEAVING_S", 0)
    came_in, look_over = [], overlooking.look_over

    def and_somebody_comes_in(*args, **more):
        look_over(*args, **more)
        came_in.append(other.address.connect())

    keys_at = []
    monkeypatch.setattr(overlooking, "look_over", and_somebody_comes_in)
    monkeypatch.setattr(keys, "installed", lambda *_: keys_at.append("before the swap"))
    assert "is in use" in other.run("restore", dump, status=1)
    came_in.pop().close()
    assert other.databases() == [OTHER]
    assert (other.count(), keys_at) == (None, [])


def test_what_was_empty_and_is_begun_meanwhile_is_kept_aside(site, other, dump, monkeypatch):
    look_over = overlooking.look_over

    def and_somebody_begins(*args, **more):
        look_over(*args, **more)
        with other.address.connect() as connection:
            connection.execute("CREATE TABLE begun AS SELECT 42 AS number")

    monkeypatch.setattr(overlooking, "look_over", and_somebody_begins)
    assert "stays as database tanhui_other_before_" in other.run("restore", dump)
    (_, former) = other.databases()
    with other.address.beside(former).connect() as connection:
        assert connection.execute("SELECT number FROM begun").fetchall() == [(42,)]


def test_what_a_killed_restore_has_left_is_in_nobodys_way(site, other, dump):
    with swapping.alone(other.address) as neighbour:
        left = swapping.fresh(neighbour, other.address)
        restoring.fill(restoring.Backup(dump), left, server=neighbour.info.server_version // 10_000)
    assert other.count() is None
    other.run("restore", dump)
    assert other.databases() == [OTHER]
    assert other.count() == site.count()


def test_asked_to_stop_it_leaves_nothing_half_made(site, other, dump, monkeypatch):
    def stop(*_args, **_more):
        assert other.databases() == [OTHER, f"{OTHER}_restoring"]
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    former = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(overlooking, "look_over", stop)
    assert "Aborted!" in other.run("restore", dump, status=1)
    assert other.databases() == [OTHER]
    assert other.count() is None
    assert signal.getsignal(signal.SIGTERM) is former


def test_a_program_that_is_at_work_meanwhile_is_ended(other):
    def stop(line):
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        running.run(["sh", "-c", "echo begun; exec sleep 60"], other.address, hear=stop)
    assert time.monotonic() - began < 30


def test_two_restores_at_once_do_not_meet(site, other, dump):
    with swapping.alone(other.address):
        assert "Another restore" in other.run("restore", dump, status=1)


def test_a_dump_without_its_description_or_from_the_future_is_refused(site, other, dump):
    path = dump.with_suffix(".json")
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"revision": "9999"}))
    assert "of a newer Tanhui (migration 9999)" in other.run("restore", dump, status=1)
    path.write_text("{}")
    assert "is damaged" in other.run("restore", dump, status=1)
    path.unlink()
    assert "is missing: copy it along" in other.run("restore", dump, status=1)
    assert "There is no" in other.run("restore", dump.with_name("nothing.dump"), status=1)
    assert other.count() is None


@pytest.mark.skipif(not OLDER, reason="there is one migration only: no backup can be older yet")
def test_migrations_that_a_backup_lacks_are_applied(other, tmp_path):
    upgraded = other.app.test_cli_runner()
    with other.app.app_context():
        assert upgraded.invoke(args=["db", "upgrade", OLDER[0]]).exit_code == 0
        db.engine.dispose()
    dump = other.backup(tmp_path)
    assert json.loads(dump.with_suffix(".json").read_text())["revision"] == OLDER[0]
    other.run("restore", dump, "--replace")
    assert other.ask("SELECT version_num FROM alembic_version") == [(HEAD,)]
