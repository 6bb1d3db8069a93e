"""A city of its own, filled by the code from before the newest migration, and that code serving requests."""

import json
import os
import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from sqlalchemy.engine import make_url

from tests.benchmarks.web_server import serving
from tests.migrations import old_code
from tests.migrations.traffic import Traffic, ago

FILLED = "tanhui_filled"
RESIDENTS, RIDES_EACH = 1_500, 6
PASSWORD = "a long phrase that nobody guesses"
OWN_REDIS_DB = 1
"""Others of the same test run use the first."""
THREADS = 4
STOCK = 1_000
"""More than residents who may have one reserved at the same moment."""


@dataclass
class OldCity:
    """A filled database at the revision before the newest, and the two codes."""

    url: str
    environment: dict
    old: Path
    admin: str
    partner: str
    key: str
    secret: str
    donation_id: int
    pickup_id: int

    def run(self, *arguments, code=old_code.ROOT, **more):
        """`flask` of one of the codes, the new one by default; its output."""
        known = {"cwd": code, "env": self.environment, "capture_output": True, "text": True}
        done = subprocess.run(flask(*arguments), check=False, **known, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *arguments):
        """The same, begun and not waited for."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            flask(*arguments), cwd=old_code.ROOT, env=self.environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def traffic(self, port, *, name="before"):
        """Traffic for a server of this city; its residents have names of their own."""
        given = {"partner": self.partner, "secret": self.secret, "key": self.key}
        rewards = {"donation_id": self.donation_id, "pickup_id": self.pickup_id}
        return Traffic(port, threads=THREADS, name=name, **given, **rewards)

    def revision(self):
        with psycopg.connect(self.url) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def flask(*arguments):
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


@pytest.fixture(scope="session")
def old_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old_code")
    old_code.unpack(folder)
    return folder


@pytest.fixture(scope="session")
def filled(servers, old_folder, tmp_path_factory):
    """The city as the old code made it; tests work on copies."""
    database_url, redis_url = servers
    url = make_url(database_url).set(database=FILLED)
    environment = {
        **os.environ,
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "REDIS_URL": on_db(redis_url, OWN_REDIS_DB),
        "TANHUI_VAR": str(tmp_path_factory.mktemp("var")),
        "SECRET_KEY": secrets.token_hex(32),
        "WECHAT_SECRET": secrets.token_hex(16),
        "RATE_LIMIT": "1000000/minute",
        "LOG_LEVEL": "WARNING",
        "WEB_WORKERS": "2",
    }
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    _execute(admin, f'DROP DATABASE IF EXISTS "{FILLED}"', f'CREATE DATABASE "{FILLED}"')
    city = OldCity(plain, environment, old_folder, admin, "bikes", "", "", 0, 0)
    city.run("prepare", "--no-simulate", code=old_folder)
    city.run("ingest", _rides(old_folder), "--partner", city.partner, "--bind-subjects", code=old_folder)
    city.run("admin", "create", "owner", "--role", "owner", "--password-stdin", code=old_folder, input=PASSWORD)
    with serving("wsgi:app", environment=environment, log=old_folder / "filling.log", code=old_folder) as web:
        _configure(city, web.port)
    yield city
    _execute(admin, f'DROP DATABASE "{FILLED}"')


@pytest.fixture
def old_city(filled):
    """A copy of the filled city that a test may do with as it likes."""
    name = "tanhui_upgraded"
    url = make_url(filled.environment["DATABASE_URL"]).set(database=name)
    _execute(filled.admin, f'CREATE DATABASE "{name}" TEMPLATE "{FILLED}"')
    environment = filled.environment | {"DATABASE_URL": url.render_as_string(hide_password=False)}
    with Redis.from_url(environment["REDIS_URL"]) as redis:
        redis.flushdb()
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    yield OldCity(**{**vars(filled), "url": plain, "environment": environment})
    _execute(filled.admin, f'DROP DATABASE "{name}"')


@pytest.fixture
def serving_old(old_city, tmp_path):
    """The old code's server of the old city."""
    with serving("wsgi:app", environment=old_city.environment, log=tmp_path / "old.log", code=old_city.old) as web:
        yield web


def _rides(folder):
    """A file of the partner's that makes residents, actions, entries and lots."""
    rides = [
        f"{who}-{ride},{who},{ago(days=ride + 1)},{ago(days=ride + 1, minutes=-15)},2000"
        for who in range(RESIDENTS)
        for ride in range(RIDES_EACH)
    ]
    file = folder / "rides.csv"
    file.write_text("\n".join(["external_id,subject,started_at,ended_at,quantity", *rides]))
    return str(file)


@contextmanager
def _talking(port):
    connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(path, body, token=None):
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(8)}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("POST", f"/api/v1/admin{path}", body=json.dumps(body), headers=headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status < 300, told
        return told

    yield ask
    connection.close()


def _configure(city, port):
    """A key for the partner, two rewards that a newcomer can pay (one is given at once, one waits), somebody who is
    frozen, and somebody who has left."""
    title = {"zh": "x", "en": "A point for the trees"}
    with _talking(port) as ask:
        token = ask("/auth", {"username": "owner", "password": PASSWORD})["token"]
        with psycopg.connect(city.url) as connection:
            found = connection.execute("SELECT id FROM partners WHERE code = %s", (city.partner,)).fetchone()
            frozen, leaves = connection.execute("SELECT min(resident_id), max(resident_id) FROM residents").fetchone()
        pair = ask(f"/partners/{found[0]}/keys", {}, token)
        ask(f"/residents/{frozen}/freeze", {"reason": "test"}, token)
        reward = {"title": title, "price_points": 1}
        city.donation_id = ask("/rewards", reward | {"code": "trees", "kind": "donation"}, token)["id"]
        waits = {"code": "seedling", "kind": "pickup", "stock": STOCK}
        city.pickup_id = ask("/rewards", reward | waits, token)["id"]
    city.run("resident", "erase", str(leaves), "--yes", code=city.old)
    city.key, city.secret = pair["key"], pair["secret"]


def on_db(redis_url, number):
    """The same server's database of that number."""
    if redis_url.startswith("unix:"):
        return f"{redis_url.partition('?')[0]}?db={number}"
    return f"{redis_url.rpartition('/')[0]}/{number}" if redis_url.count("/") > 2 else f"{redis_url}/{number}"


def _execute(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
