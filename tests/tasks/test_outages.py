"""What the worker and the clock make of a server that is away: one line at the beginning, one at the end."""

import dataclasses
import importlib
import json
from datetime import timedelta

import pytest
from celery.exceptions import Retry
from kombu import Connection
from sqlalchemy import text
from sqlalchemy.exc import DataError
from structlog.testing import capture_logs

from backend import create_app, redis
from backend.database import db
from backend.embedded import celery_url
from tasks.schedule import SCHEDULE
from tests.faults.proxy import Proxy


def events(told):
    """What a log says, without its details; the log is empty after it."""
    found = [line["event"] for line in told]
    told.clear()
    return found


@pytest.fixture
def way(settings):
    proxies = []

    def make(url):
        proxies.append(Proxy(url))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


def test_a_projector_without_postgresql_waits_and_says_so_once(jobs, app, settings, way):
    proxy = way(settings.database_url)
    other = create_app(dataclasses.replace(settings, database_url=proxy.url))
    with other.app_context(), capture_logs() as told:
        assert jobs.project.run() == 0
        with proxy.closed():
            assert [jobs.project.run() for _ in range(3)] == [0, 0, 0]
            assert events(told) == ["PostgreSQL is away: boards and totals wait"]
        jobs.project.run()
        jobs.project.run()
        assert events(told) == ["boards and totals go on"]
        for engine in db.engines.values():
            engine.dispose()
    other.extensions["redis"].close()


@pytest.fixture
def site(settings, way):
    """An application whose PostgreSQL is behind a proxy; and the proxy."""
    proxy = way(settings.database_url)
    other = create_app(dataclasses.replace(settings, database_url=proxy.url))
    with other.app_context():
        yield proxy
        for engine in db.engines.values():
            engine.dispose()
    other.extensions["redis"].close()


CHORES = sorted(SCHEDULE.keys() - {"project"})


@pytest.mark.parametrize("chore", CHORES)
def test_a_chore_without_postgresql_comes_back_and_says_why(jobs, app, site, chore):
    job = getattr(jobs, chore)
    with capture_logs() as told:
        with site.closed(), pytest.raises(Retry):
            job.run()
        assert [(line["event"], line["work"], line["seconds"]) for line in told] == [("put off", chore, 60)]
    job.run()


def test_a_chore_without_postgresql_comes_back_less_and_less_often_for_a_day(jobs, app, site, monkeypatch):
    sent = []
    monkeypatch.setattr(jobs.app.Task, "apply_async", lambda *_, **options: sent.append(options))
    with site.closed():
        for retries in (0, 1, 5, 6, 1_000):
            jobs.verify.push_request(retries=retries, called_directly=False, is_eager=False, delivery_info={})
            with pytest.raises(Retry):
                jobs.verify.run()
            jobs.verify.pop_request()
    assert [options["countdown"] for options in sent] == [60, 120, 1920, 3600, 3600]


def test_what_is_wrong_is_not_put_off(jobs, app, monkeypatch):
    monkeypatch.setattr(jobs.verification, "verify", lambda: db.session.execute(text("SELECT 1 / 0")))
    with pytest.raises(DataError):
        jobs.verify()


@pytest.mark.parametrize("chore", CHORES)
def test_a_message_is_worth_nothing_once_the_next_asks_for_the_same(chore):
    when, options = SCHEDULE[chore]["schedule"], SCHEDULE[chore]["options"]
    assert options["expires"] * len(when.hour) * len(when.minute) == 24 * 3600


def test_what_the_clock_could_not_ask_for_it_asks_for_when_redis_is_back(jobs, app, settings, way, tmp_path):
    celery = jobs.app
    clock = importlib.import_module("tasks.clock")
    scheduler = clock.Scheduler(celery, schedule_filename=str(tmp_path / "schedule"))
    entries = scheduler.schedule
    proxy = way(settings.redis_url)
    url = celery_url(proxy.url)
    with Connection(url) as connection, capture_logs() as told:
        producer = celery.amqp.Producer(connection, auto_declare=False)
        connection.default_channel.queue_purge("celery")
        with proxy.closed():
            for name in ("project", "verify", "project", "expire_points"):
                scheduler.apply_entry(entries[name], producer=producer)
            assert events(told) == ["the clock cannot reach Redis: jobs wait"]
        scheduler.apply_entry(entries["project"], producer=producer)
        assert events(told) == ["the clock reaches Redis again"]
    scheduler.close()
    assert asked_for() == ["expire_points", "project", "verify"]


def asked_for():
    """The jobs that have been asked for since the last look."""
    sent = [json.loads(message)["headers"]["task"] for message in redis.client().lrange("celery", 0, -1)]
    redis.client().delete("celery")
    return sorted(sent)


def test_a_clock_whose_disk_is_full_goes_on_from_memory_and_loses_nothing_that_it_wrote(jobs, app, tmp_path):
    clock = importlib.import_module("tasks.clock")
    file, new = tmp_path / "schedule", tmp_path / "schedule.new"

    def started():
        scheduler = clock.Scheduler(jobs.app, schedule_filename=str(file))
        scheduler.sync_every_tasks = 1
        return scheduler

    before = started()
    due = before.schedule["verify"].last_run_at = before.schedule["verify"].last_run_at - timedelta(days=1)
    before.close()
    asked_for()
    new.symlink_to("/dev/full")
    with capture_logs() as told:
        scheduler = started()
        assert events(told) == ["the clock cannot write its schedule down: it goes on from memory"]
        assert scheduler.schedule["verify"].last_run_at == due
        scheduler.apply_entry(scheduler.schedule["settle"])
        for _ in range(2):  # one job each, and `project` may be due before
            scheduler.tick()
        assert {"settle", "verify"} <= set(asked_for())
        assert events(told) == []
        new.unlink()
        scheduler.close()
        assert events(told) == ["the clock has written its schedule down again"]
    again = started()
    assert again.schedule["verify"].last_run_at > due
    again.close()


def test_a_clock_begins_anew_where_its_file_cannot_be_read(jobs, app, tmp_path):
    clock = importlib.import_module("tasks.clock")
    file = tmp_path / "schedule"
    for spoiled in (b"", b"half a schedule"):
        file.write_bytes(spoiled)
        scheduler = clock.Scheduler(jobs.app, schedule_filename=str(file))
        assert scheduler.schedule.keys() == SCHEDULE.keys()
        scheduler.close()
