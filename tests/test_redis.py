"""One command on the thread's own connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backend import redis


@pytest.fixture(autouse=True)
def probe(app):
    redis.client().set(redis.PROBE, "here")
    yield
    redis.client().delete(redis.PROBE)


def test_a_connection_that_the_server_closed_is_opened_again():
    assert redis.ask("GET", redis.PROBE) == "here"
    mine = redis.ask("CLIENT", "ID")
    redis.client().execute_command("CLIENT", "KILL", "ID", mine)
    assert redis.ask("GET", redis.PROBE) == "here"
    assert redis.ask("CLIENT", "ID") != mine


def test_an_error_of_the_server_leaves_the_connection_as_it_was():
    mine = redis.ask("CLIENT", "ID")
    with pytest.raises(redis.RedisError):
        redis.ask("ZCARD", redis.PROBE)
    assert (redis.ask("GET", redis.PROBE), redis.ask("CLIENT", "ID")) == ("here", mine)


def test_each_thread_has_its_own_and_many_threads_do_no_harm(app):
    def once(_number):
        with app.app_context():
            return redis.ask("CLIENT", "ID")

    seen = set()
    for number in range(120):
        with ThreadPoolExecutor(1) as pool:
            seen.add(pool.submit(once, number).result())
    assert len(seen) == 120
    assert redis.ask("CLIENT", "ID") not in seen


def test_a_server_that_is_not_there_is_an_error_of_redis(app, monkeypatch):
    gone = redis.redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1)
    with monkeypatch.context() as changed:
        changed.setitem(app.extensions, "redis", gone)
        with pytest.raises(redis.RedisError):
            redis.ask("GET", redis.PROBE)
    assert redis.ask("GET", redis.PROBE) == "here"
