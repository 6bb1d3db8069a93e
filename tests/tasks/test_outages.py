"""What the worker and the clock make of a server that is away: one line at the beginning, one at the end."""

import dataclasses
import importlib
import json

import pytest
from kombu import Connection
from structlog.testing import capture_logs

from backend import create_app, redis
from backend.database import db
from backend.embedded import celery_url
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
    sent = [json.loads(message)["headers"]["task"] for message in redis.client().lrange("celery", 0, -1)]
    redis.client().delete("celery")
    assert sorted(sent) == ["expire_points", "project", "verify"]
