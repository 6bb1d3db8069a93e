"""Fixtures: real servers, real commits; every test starts with the default catalogue and nobody in it."""

import os
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import hypothesis
import psycopg
import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.engine import make_url

from backend import (
    clock,
    create_app,
    defaults,
    embedded,
    redis,
    tables,  # noqa: F401  whatever a test imports, it knows all tables
)
from backend.admins import auth as admin_auth
from backend.admins import passwords
from backend.admins.models import Admin
from backend.config import SHANGHAI, Limit, Settings
from backend.database import db, revisions, transaction
from backend.leaderboard import knowledge
from backend.ledger import service as ledger
from backend.residents import auth
from backend.residents.models import Identity_, Resident
from tests.deaf import Deaf
from tests.emptying import empty

# The same cases every time, and no case that fails because others had the processor. New ones are drawn where they are
# asked for: `pytest --hypothesis-profile=default`.
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")
PASSWORD = "correct horse battery"
"""Of every admin that `new_admin` makes."""
NEARLY_OVER = timedelta(seconds=20)
"""No test begins so late in a city day."""
EARLY = timedelta(hours=3)
"""After midnight, and longer ago than anything that tests take to be of today."""


def pytest_collection_modifyitems(items):
    """Files with slow tests begin: else one process has a long one left when all others have nothing.

    Each test has an id of its own: of those that share one pytest-xdist runs one, and schemathesis gives all calls the
    same.
    """
    for item in items:
        if item.name not in item.nodeid:
            item._id = item.id.with_params(item.name.partition("[")[2].removesuffix("]"))
    again = [nodeid for nodeid, times in Counter(item.nodeid for item in items).items() if times > 1]
    if again:
        raise pytest.UsageError(f"Of these only one would be run: {again}")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True)
def _one_day():
    """What is today when a test begins is so when it ends: just before midnight it waits for the next day."""
    now = clock.now()
    left = clock.day_bounds(clock.local_day(now, zone=SHANGHAI), zone=SHANGHAI)[1] - now
    if left < NEARLY_OVER:
        time.sleep(left.total_seconds())


@pytest.fixture
def well_into_the_day():
    """What is done a short while ago is done today: just after midnight it is some hours later for the test."""
    now = clock.now()
    if now - clock.day_bounds(clock.local_day(now, zone=SHANGHAI), zone=SHANGHAI)[0] >= EARLY:
        yield
        return
    with time_machine.travel(now + EARLY):
        yield


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """URLs of PostgreSQL and Redis: given ones, or embedded ones in a temporary folder."""
    given = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if all(given):
        yield given
        return
    folder = Path(tmp_path_factory.mktemp("servers"))
    os.environ["TANHUI_DURABILITY"] = "off"
    running = embedded.attach(folder)
    yield running.database_url, running.redis_url
    embedded.release(folder)


@pytest.fixture(scope="session")
def settings(servers, tmp_path_factory):
    """Settings of a development site."""
    database_url, redis_url = servers
    _make_database(database_url)
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="test-key-" * 4,
        wechat_secret="sandbox-secret",
        tanhui_var=tmp_path_factory.mktemp("var"),
        rate_limit=Limit(100_000, 60),
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
def environment(settings):
    """The environment of a process that works for this site."""
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "WECHAT_SECRET": settings.wechat_secret,
        "TANHUI_VAR": str(settings.tanhui_var),
        "LOG_LEVEL": "WARNING",
    }


@pytest.fixture(scope="session")
def migrated_app(settings):
    """The application on a migrated, empty database."""
    app = create_app(settings)
    app.testing = False
    with app.app_context():
        db.session.execute(text("DROP SCHEMA public CASCADE"))
        db.session.execute(text("CREATE SCHEMA public"))
        db.session.commit()
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
    app.extensions["redis"].close()


@pytest.fixture(scope="session")
def looking_anew():
    """Boards look anew for each page, as they do a second later: what they know meanwhile is tested by itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(knowledge, "FRESH_S", 0.0)
        patched.setattr(knowledge, "STALE_S", 0.0)
        yield


@pytest.fixture
def app(migrated_app, looking_anew):
    """The application inside its context, with the default catalogue and empty books."""
    with migrated_app.app_context():
        with transaction():
            defaults.load()
        yield migrated_app
        db.session.rollback()
        empty(migrated_app)


@pytest.fixture
def at_revision(app):
    """at_revision(name): the database says that it stands there, until the test is over."""
    moved = text("UPDATE alembic_version SET version_num = :name")

    def move(name):
        with db.engine.begin() as connection:
            connection.execute(moved, {"name": name})

    with db.engine.connect() as connection:
        (known,) = revisions.applied(connection)
    yield move
    move(known)


@pytest.fixture
def client(app):
    """A test client of the application."""
    return app.test_client()


@pytest.fixture
def deaf(app, monkeypatch):
    """Redis takes whatever comes and never answers; `deaf.asked`: how often it was asked, each time anew."""
    server = Deaf()
    monkeypatch.setitem(app.extensions, "redis", redis.Client(port=server.port, socket_timeout=0.3, retry=None))
    yield server
    server.close()


@pytest.fixture
def resident_command(app):
    """resident_command("erase", …, status=0, typed=None) → what `flask resident` says; the session sees what it did."""

    def run(*args, status=0, typed=None):
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["resident", *map(str, args)], input=typed)
        assert result.exit_code == status, result.output
        db.session.rollback()
        db.session.expire_all()
        return result.output

    return run


@pytest.fixture
def new_resident(app):
    """Makes residents: new_resident(name, **columns) → Resident with a wallet."""

    def make(name="somebody", **columns):
        with transaction():
            resident = Resident(joined_at=clock.now() - timedelta(days=400), nickname=name, **columns)
            db.session.add(resident)
            db.session.flush()
            db.session.add(
                Identity_(provider="test", subject=f"{name}-{resident.resident_id}", resident_id=resident.resident_id)
            )
            ledger.open_wallet(resident.resident_id)
        return resident

    return make


@pytest.fixture
def resident(new_resident):
    """One resident."""
    return new_resident()


@pytest.fixture
def headers():
    """headers(resident) → the resident's Authorization header."""
    return lambda resident: {"Authorization": f"Bearer {auth.issue(resident).token}"}


@pytest.fixture(scope="session")
def password_hash():
    """The hash of PASSWORD, made once: argon2 is slow on purpose."""
    return passwords.hash_of(PASSWORD)


@pytest.fixture
def new_admin(app, password_hash):
    """Makes admins: new_admin("operator") → an Admin named after the role, with PASSWORD."""

    def make(role="owner", *, username=None, **columns):
        with transaction():
            admin = Admin(
                username=username or role, role=role, password_hash=password_hash, created_at=clock.now(), **columns
            )
            db.session.add(admin)
        return admin

    return make


@pytest.fixture
def admin_headers(new_admin):
    """admin_headers("operator") → the Authorization header of an admin of that role, made at the first call."""
    made = {}

    def of(role="owner", **more):
        if role not in made:
            made[role] = admin_auth.issue(new_admin(role)).token
        return {"Authorization": f"Bearer {made[role]}", **more}

    return of


def _make_database(database_url):
    url = make_url(database_url)
    admin = url.set(database="postgres", drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (url.database,)).fetchone()
        if not known:
            connection.execute(f'CREATE DATABASE "{url.database}"')
