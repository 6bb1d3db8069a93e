"""The database's connections: what broke while it lay idle is never handed out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import text

from backend import clock
from backend.database import autocommit_cursor, db, transaction
from backend.metrics import POOL_IN_USE

AT_ONCE = 6
"""Connections that lie idle in the pool, more than the thread that finds the first one broken will use."""
END_ALL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user
"""


def fill_the_pool(app):
    """Leave AT_ONCE idle connections in the pool."""
    together = Barrier(AT_ONCE)

    def use(_):
        with app.app_context(), transaction():
            db.session.execute(text("SELECT 1"))
            together.wait(10)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(use, range(AT_ONCE)))


def end_all_connections():
    """As PostgreSQL does when it is restarted, or one of its processes crashes."""
    with transaction():
        db.session.execute(text(END_ALL))


def test_no_request_meets_a_connection_that_broke_before_it_came(app, client, resident, headers):
    for place, path in enumerate(("statements", "session")):
        fill_the_pool(app)
        end_all_connections()
        for day in range(3):
            if path == "session":
                answer = client.get("/api/v1/me", headers=headers(resident))
            else:
                at = clock.rfc3339(clock.now() - timedelta(days=day, minutes=place + 1))
                body = {"task": "own_bag", "occurred_at": at}
                answer = client.post("/api/v1/actions", json=body, headers=headers(resident))
            assert answer.status_code < 300, answer.json


def test_connections_that_broke_are_not_counted_as_in_use(app, client, resident, headers):
    db.session.remove()
    before = POOL_IN_USE._value.get()
    fill_the_pool(app)
    end_all_connections()
    db.session.remove()
    assert client.get("/api/v1/me", headers=headers(resident)).status_code == 200
    db.session.remove()
    assert POOL_IN_USE._value.get() == before


def test_a_job_does_not_meet_one_either(app):
    fill_the_pool(app)
    end_all_connections()
    for _ in range(AT_ONCE):
        with autocommit_cursor() as cursor:
            assert cursor.execute("SELECT 1").fetchone() == (1,)
