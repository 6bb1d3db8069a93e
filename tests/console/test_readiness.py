"""What /readyz and /metrics say when all is well, and when something is not."""

import dataclasses
import os
import time
from datetime import timedelta

import pytest
import time_machine
from alembic.script import ScriptDirectory
from sqlalchemy import text

from backend import clock, create_app, verified
from backend.database import MIGRATIONS, db, revisions, transaction
from backend.outbox import OutboxRow, partition_of

NOBODY_LISTENS = 9
HEAD, OLDER, *_ = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


@pytest.fixture
def site_with(settings):
    """site_with(**settings) → a client of another application, with some settings changed."""
    made = []

    def make(**changes):
        made.append(create_app(dataclasses.replace(settings, **changes)))
        return made[-1].test_client()

    yield make
    for app in made:
        app.extensions["redis"].close()


def wait_in_outbox(resident_id, *, seconds):
    at = clock.now() - timedelta(seconds=seconds)
    with transaction():
        db.session.add(
            OutboxRow(
                resident_id=resident_id,
                partition=partition_of(resident_id),
                kind="action",
                day=at.date(),
                co2e_mg=1,
                points=1,
                actions=1,
                posted_at=at,
            )
        )


def test_all_is_well(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["status"] == "ready"
    assert set(answer.json["checks"]) == {"database", "migrations", "redis", "projector"}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def stopped_clock():
    """Nothing that waits gets older."""
    with time_machine.travel(clock.now(), tick=False):
        yield


def test_a_projector_a_minute_behind_degrades_but_serves(client, stopped_clock):
    wait_in_outbox(1, seconds=1)
    wait_in_outbox(2, seconds=60)
    assert client.get("/readyz").json["status"] == "ready"
    wait_in_outbox(3, seconds=61)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["projector"]["lag_s"] == 61


def test_a_projector_that_cannot_be_asked_about_in_time_degrades_but_serves(client):
    with db.engine.connect() as other:
        other.execute(text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE"))
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json["status"]) == (200, "degraded")
        assert answer.json["checks"]["database"]["state"] == "ready"
        assert answer.json["checks"]["projector"]["state"] == "degraded"
        assert 'tanhui_up{server="database"} 1.0' in client.get("/metrics").text
    assert client.get("/readyz").json["status"] == "ready"


def test_without_redis_the_site_serves_and_says_so(site_with, app):
    started = time.monotonic()
    answer = site_with(redis_url=f"redis://127.0.0.1:{NOBODY_LISTENS}/0").get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["redis"]["up"] is False
    assert time.monotonic() - started < 5


def test_without_a_database_the_site_does_not_serve(site_with):
    client = site_with(database_url=f"postgresql+psycopg://postgres@127.0.0.1:{NOBODY_LISTENS}/tanhui")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert client.get("/healthz").status_code == 200
    assert 'tanhui_up{server="database"} 0.0' in client.get("/metrics").text


def test_the_newest_migrations_are_those_that_alembic_knows():
    assert revisions.wanted() == sorted(ScriptDirectory(str(MIGRATIONS)).get_heads())


@pytest.mark.parametrize(
    ("revision", "status", "state"),
    [(OLDER, 503, "unavailable"), ("of a newer release", 200, "degraded")],
    ids=["behind", "ahead"],
)
def test_the_site_serves_unless_a_migration_is_missing(client, at_revision, revision, status, state):
    at_revision(revision)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (status, state)
    assert answer.json["checks"]["migrations"] == {"state": state, "applied": [revision], "wanted": [HEAD]}
    assert ("projector" in answer.json["checks"]) is (status == 200)


def test_it_answers_when_all_connections_of_the_pool_are_taken(client, app):
    taken = [db.engine.connect() for _ in range(db.engine.pool.size() + app.extensions["settings"].database_pool_size)]
    try:
        assert client.get("/readyz").status_code == 200
        assert f"tanhui_database_pool_in_use {float(len(taken))}" in client.get("/metrics").text
    finally:
        for connection in taken:
            connection.close()


def test_a_scrape_measures_lag_and_servers(client, stopped_clock):
    wait_in_outbox(1, seconds=30)
    said = client.get("/metrics").text
    assert 'tanhui_up{server="database"} 1.0' in said
    assert 'tanhui_up{server="redis"} 1.0' in said
    lag = float(next(line for line in said.splitlines() if line.startswith("tanhui_projector_lag_seconds ")).split()[1])
    assert lag == 30


def gauges(client, *names):
    told = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if not line.startswith("#"))
    return [float(told[name]) for name in names]


def test_every_web_server_tells_what_the_last_verify_found_also_one_that_has_just_started(client, site_with):
    named = "tanhui_verify_differences", "tanhui_verified_at_seconds"
    assert gauges(client, *named) == [0, 0]
    for differences in (3, 0):
        with transaction():
            looked_at = dict.fromkeys(("residents", "actions", "entries", "boards"), 1)
            verified.tell(as_of=clock.now(), differences=differences, **looked_at)
        for one in (client, site_with()):
            assert gauges(one, *named) == [differences, pytest.approx(time.time(), abs=60)]


def test_metrics_are_told_also_where_the_table_of_verify_is_not_there_yet(client, at_revision):
    at_revision(OLDER)
    assert gauges(client, 'tanhui_up{server="database"}') == [1]


def test_the_alarm_for_backups_knows_when_the_newest_was_made(client, site_with, tmp_path):
    (tmp_path / "backups").mkdir()
    assert "tanhui_backup_made_at_seconds 0.0" in site_with(tanhui_var=tmp_path).get("/metrics").text
    for day, seconds in (("20260101", 1_767_200_000), ("20260102", 1_767_300_000)):
        dump = tmp_path / "backups" / f"tanhui-{day}T000000Z.dump"
        dump.touch()
        os.utime(dump, (seconds, seconds))
    assert "tanhui_backup_made_at_seconds 1.7673e+09" in site_with(tanhui_var=tmp_path).get("/metrics").text


def test_it_also_knows_of_one_that_went_elsewhere_and_has_been_moved_away_since(app, site_with, tmp_path):
    site = site_with(tanhui_var=tmp_path / "var")
    with site.application.app_context():
        made = site.application.test_cli_runner().invoke(args=["backup", "make", "--folder", tmp_path / "elsewhere"])
    assert made.exit_code == 0, made.output
    for path in (tmp_path / "elsewhere").iterdir():
        path.unlink()
    assert gauges(site, "tanhui_backup_made_at_seconds") == [pytest.approx(time.time(), abs=60)]


def test_a_folder_that_cannot_be_looked_into_is_no_backup_and_no_error(site_with, tmp_path):
    (tmp_path / "file").touch()
    assert gauges(site_with(tanhui_var=tmp_path / "file"), "tanhui_backup_made_at_seconds") == [0]
