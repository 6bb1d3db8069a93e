"""Folders and neighbours for the embedded servers."""

import multiprocessing

import psycopg
import pytest
import redis

from backend import embedded

_FORK = multiprocessing.get_context("fork")


class Neighbour:
    """Another process that uses the servers of a folder until it is told to leave or killed."""

    def __init__(self, folder):
        self._pipe, theirs = _FORK.Pipe()
        self.process = _FORK.Process(target=_live, args=(folder, theirs))
        self.process.start()
        theirs.close()

    def attached(self):
        assert self._pipe.recv() == "attached"
        return self

    def leave(self):
        self._pipe.send("leave")
        self.process.join()
        assert self.process.exitcode == 0

    def kill(self):
        self.process.kill()
        self.process.join()


def _live(folder, pipe):
    embedded.attach(folder)
    pipe.send("attached")
    pipe.recv()
    embedded.release(folder)


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setenv("TANHUI_DURABILITY", "off")


@pytest.fixture
def folder(tmp_path):
    """A data folder to be; what runs in it ends with the test, whoever started it."""
    path = tmp_path / "var"
    yield path
    _end(path)


@pytest.fixture
def neighbour(folder):
    """neighbour() → another process that uses, or is about to use, the servers of `folder`."""
    born = []

    def make():
        born.append(Neighbour(folder))
        return born[-1]

    yield make
    for one in born:
        one.kill()


@pytest.fixture
def ask():
    """ask(servers, sql) → the first value of the first row, from PostgreSQL."""

    def query(servers, sql):
        url = servers.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None

    return query


@pytest.fixture
def ping():
    """ping(servers) → whether Valkey answers."""

    def send(servers):
        with redis.Redis.from_url(servers.redis_url) as client:
            return client.ping()

    return send


def _end(folder):
    if folder.is_dir():
        embedded.attach(folder)
        embedded.release(folder)
