"""PostgreSQL that does not answer, takes no writes or has run out of something: 503 in time, and back by itself."""

import dataclasses

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from backend import clock, create_app
from backend.database import connections, db, prepared_statements, transaction, unhurried
from backend.database.connections import is_unavailable, silence_of
from tests.faults.proxy import Proxy

MARGIN_S = 0.5
TIMEOUT_MS = 1_000
"""For the tests that wait it out; all others must be answered within it, on a machine that others use."""


@pytest.fixture
def proxy(settings):
    way = Proxy(settings.database_url)
    yield way
    way.close()


@pytest.fixture
def impatient(app, settings, proxy, monkeypatch):
    """An application that reaches PostgreSQL by way of the proxy, and soon gives up."""
    monkeypatch.setattr(connections, "MARGIN_S", MARGIN_S)
    monkeypatch.setattr(connections, "CONNECT_S", 1)
    made = create_app(dataclasses.replace(settings, database_url=proxy.url, database_timeout_ms=TIMEOUT_MS))
    yield made
    with made.app_context():
        for engine in db.engines.values():
            engine.dispose()
    made.extensions["redis"].close()


@pytest.fixture
def post(impatient, resident, headers):
    """post() → the answer to one action, or to a GET if `path` is given."""

    def ask(path=None):
        client = impatient.test_client()
        if path:
            return client.get(path, headers=headers(resident))
        body = {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now())}
        return client.post("/api/v1/actions", json=body, headers=headers(resident))

    return ask


def refused(answer):
    """Whether an answer says that it may be tried again."""
    told = answer.status_code, answer.content_type, answer.headers.get("Retry-After"), answer.json["type"]
    return told == (503, "application/problem+json", "2", "upstream-unavailable")


@pytest.mark.parametrize("path", [None, "/api/v1/me"])
def test_a_server_that_takes_and_never_answers_is_given_up_and_the_next_caller_does_not_wait_for_it(
    post, path, proxy, monkeypatch
):
    assert post(path).status_code in {200, 201}
    silence = silence_of(proxy.url)
    with proxy.deaf():
        assert refused(post(path))
        assert silence.lasts
        came = proxy.accepted
        assert refused(post(path))
        assert proxy.accepted == came
        monkeypatch.setattr(silence, "pause_s", 0.0)
        silence.begin("asked again at once")
        assert refused(post(path))
        assert proxy.accepted > came
    monkeypatch.setattr(silence, "pause_s", 0.0)
    silence.begin("asked again at once")
    answer = post(path)
    # The first may meet a connection on which an answer is still to come, and only that one.
    assert answer.status_code in {200, 201} or post(path).status_code in {200, 201}
    assert not silence.lasts


def test_a_server_that_lets_nobody_in_in_time_is_given_up(post, proxy):
    with proxy.deaf():
        assert refused(post())
        assert silence_of(proxy.url).lasts


def test_a_job_that_takes_its_time_may_take_longer_than_a_request(impatient):
    with impatient.app_context():
        with pytest.raises(Exception, match="statement timeout"), transaction():
            db.session.execute(text("SELECT pg_sleep(3)"))
        with transaction():
            unhurried()
            db.session.execute(text("SELECT pg_sleep(3)"))
        with pytest.raises(Exception, match="statement timeout"), transaction():
            db.session.execute(text("SELECT pg_sleep(3)"))


def test_where_nothing_can_be_written_reads_go_on_writes_are_refused_and_come_back_by_themselves(
    post, impatient, settings
):
    role = make_url(settings.database_url).username
    alter = f"ALTER ROLE {role} {{}} default_transaction_read_only"
    with transaction():
        db.session.execute(text(alter.format("SET") + " = on"))
    try:
        assert [refused(post()) for _ in range(3)] == [True] * 3
        assert post("/api/v1/me").status_code == 200
    finally:
        with transaction():
            db.session.execute(text("SET TRANSACTION READ WRITE"))
            db.session.execute(text(alter.format("RESET")))
    answers = [post().status_code for _ in range(3)]
    assert answers[1:] == [201, 201], answers


def test_a_process_whose_connections_are_all_gone_notices_that_postgresql_is_back(impatient, proxy, monkeypatch):
    silence = silence_of(proxy.url)
    with impatient.app_context():
        with transaction():
            db.session.execute(text("SELECT 1"))
        db.engine.dispose()
    silence.begin("no connection is left, and the next is a new one")
    with impatient.app_context(), pytest.raises(Exception, match="a moment ago"), transaction():
        db.session.execute(text("SELECT 1"))
    monkeypatch.setattr(silence, "_ask_again_at", 0.0)
    with impatient.app_context(), transaction():
        db.session.execute(text("SELECT 1"))
    assert not silence.lasts


@pytest.mark.parametrize(
    ("sqlstate", "passes"),
    [
        ("25006", True),  # read-only transaction
        ("53100", True),  # disk full
        ("53200", True),  # out of memory
        ("53300", True),  # too many connections
        ("55P03", True),  # lock not available
        ("57014", True),  # statement took too long
        ("57P01", True),  # administrator's shutdown
        ("57P02", True),  # crash
        ("57P03", True),  # starting up
        ("58000", True),  # error of the system
        ("58030", True),  # error of the disk
        ("08006", True),  # connection broke
        ("25P04", True),  # transaction took too long
        ("40P01", True),  # deadlock
        ("XX001", False),  # data corrupted: somebody must look
        ("XX000", False),
        ("23505", False),
        ("22012", False),
        ("42P01", False),
    ],
)
def test_what_postgresql_cannot_do_now_is_told_from_what_it_can_never_do(app, sqlstate, passes):
    fail = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"
    with pytest.raises(Exception, match="no") as by_session, transaction():
        db.session.execute(text(fail))
    with pytest.raises(Exception, match="no") as by_statement, prepared_statements() as cursor:
        cursor.execute(fail)
    assert [is_unavailable(one.value) for one in (by_session, by_statement)] == [passes, passes]
