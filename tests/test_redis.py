"""One command on the thread's own connection; and doing without where there is no answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from backend import metrics, redis
from tests.together import together


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


@pytest.mark.parametrize("said", ["", "a", "城市" * 100_000, "\r\n$5\r\n"])
def test_an_answer_is_read_to_its_end(said):
    redis.client().set(redis.PROBE, said)
    assert [redis.ask("GET", redis.PROBE), redis.ask("STRLEN", redis.PROBE)] == [said, len(said.encode())]


def test_what_is_not_there_is_none():
    assert redis.ask("GET", "tanhui:nothing") is None


def test_a_server_that_hangs_costs_one_time_out_and_is_asked_again_on_a_new_connection(app, settings, monkeypatch):
    hasty = redis.redis.from_url(settings.redis_url, decode_responses=True, socket_timeout=0.05)
    monkeypatch.setitem(app.extensions, "redis", hasty)
    before = redis.ask("CLIENT", "ID")
    with pytest.raises(redis.redis.TimeoutError):
        redis.ask("BLPOP", "tanhui:nothing", 60)
    assert redis.ask("CLIENT", "ID") != before
    hasty.close()


def reached():
    with redis.reaching():
        return redis.ask("GET", redis.PROBE)


def passed_by():
    """Whether it is not even asked."""
    try:
        reached()
    except redis.SilentError:
        return True
    except redis.RedisError:
        return False
    return False


def told(log):
    """What a log says, without its details; the log is empty after it."""
    said = [line["event"] for line in log]
    log.clear()
    return said


def test_of_many_who_meet_a_silent_server_one_asks_after_each_pause(app, deaf, monkeypatch):
    silence, failed = redis.silence(), metrics.REDIS_ERRORS._value.get()
    with capture_logs() as log:
        assert [passed_by() for _ in range(4)] == [False, True, True, True]
        assert told(log) == ["Redis does not answer: doing without until it does"]
        assert deaf.asked == 1
        for turn in (2, 3):
            monkeypatch.setattr(silence, "_ask_again_at", 0.0)
            assert together(app, [passed_by] * 8).count(False) == 1
            assert deaf.asked == turn
        assert metrics.REDIS_ERRORS._value.get() == failed + 3
        monkeypatch.setattr(silence, "_ask_again_at", 0.0)
        with redis.reaching():
            pass  # as if it had been asked, and had answered
        assert told(log) == ["Redis answers again"]
    assert not passed_by()


def test_a_server_that_refuses_has_answered():
    failed = metrics.REDIS_ERRORS._value.get()
    for _ in range(2):
        with pytest.raises(redis.RedisError, match="WRONGTYPE"), redis.reaching():
            redis.ask("ZCARD", redis.PROBE)
    assert metrics.REDIS_ERRORS._value.get() == failed + 2
    assert reached() == "here"
