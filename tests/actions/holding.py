"""Somebody else holds what a request needs, for as long as a test wishes."""

import time
from contextlib import contextmanager
from datetime import timedelta

import psycopg

from backend import clock
from backend.database import autocommit_engine

PATIENCE_S = 20
KEY = "held-up"
STORE = "INSERT INTO idempotency_keys (resident_id, key, request_hash, created_at) VALUES (%s, %s, 'another', now())"


def bag(**more):
    """A declared action that counts."""
    return {"task": "own_bag", "occurred_at": clock.rfc3339(clock.now() - timedelta(minutes=5)), **more}


@contextmanager
def somebody_else():
    """In another transaction, which is taken back."""
    url = autocommit_engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


@contextmanager
def held(*residents):
    """Meanwhile somebody else holds their wallets."""
    with somebody_else() as connection:
        ids = [resident.resident_id for resident in residents]
        connection.execute("SELECT 1 FROM wallets WHERE resident_id = ANY(%s) FOR UPDATE", (ids,))
        yield


@contextmanager
def held_up(*residents):
    """Meanwhile their requests under KEY wait: somebody else stores an answer under it."""
    with somebody_else() as connection:
        for resident in residents:
            connection.execute(STORE, (resident.resident_id, KEY))
        yield


def until(met):
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.001)
