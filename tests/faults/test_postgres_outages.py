"""PostgreSQL slow, frozen, cut off, full, read-only or restarted: 503 in time, nothing lost, and back by itself."""

from contextlib import contextmanager

import pytest

from tests.faults import report
from tests.faults.outages import Fault, outages
from tests.faults.parts import Part
from tests.faults.promise import KINDS, Promise
from tests.faults.site import until

TIMEOUT_MS = 1_000 if report.SHORT else 10_000
LASTS_S = 3.0 if report.SHORT else 10.0
SILENT_S = TIMEOUT_MS / 1000 + 5.0
"""Longer than anybody waits for an answer."""
SEED = 7
SLOW, LOCKED, FROZEN, DEAF, CLOSED = "slow: 30 ms more each way", "a table locked", "frozen", "deaf", "gone"
NO_CONNECTION, READ_ONLY, STOPPED = "out of connections", "read-only", "stopped, then started"
IN_SHORT = (FROZEN, NO_CONNECTION, READ_ONLY, STOPPED)
READS = ("me", "wallet", "board", "totals")
WRITES = ("award", "redeem", "sign in")
OF_WALLETS = ("award", "redeem", "me", "wallet", "sign in")
CUT_S = 2.0
"""Within so long everybody whose connection was cut has had another."""


@pytest.fixture
def site(behind_proxies):
    return behind_proxies(DATABASE_TIMEOUT_MS=str(TIMEOUT_MS))


def faults(site):
    database, waits = site.to_database, site.time_outs
    works = Promise(works=KINDS, longest_s=waits.worst_s)
    waits_for_wallets = Promise(
        works=("board", "totals"), refuses=OF_WALLETS, longest_s=waits.locked_s, award_s=waits.locked_in_line_s
    )
    silence = Promise(refuses=KINDS, longest_s=waits.silent_s)
    nothing = Promise(refuses=KINDS, longest_s=waits.at_once_s)
    for_some = Promise(some_work=True, longest_s=waits.at_once_s)
    no_writes = Promise(works=READS, refuses=WRITES, settles_s=CUT_S, longest_s=waits.at_once_s)
    return [
        Fault(SLOW, lambda: database.slow(0.03), LASTS_S, works),
        Fault(LOCKED, lambda: locked(site), SILENT_S, waits_for_wallets),
        Fault(FROZEN, lambda: site.frozen(Part.DATABASE), SILENT_S, silence),
        Fault(DEAF, database.deaf, SILENT_S, silence),
        Fault(CLOSED, database.closed, LASTS_S, nothing),
        Fault(NO_CONNECTION, lambda: out_of_connections(site), LASTS_S, for_some),
        Fault(READ_ONLY, lambda: read_only(site), LASTS_S, no_writes),
        Fault(STOPPED, lambda: stopped(site), LASTS_S, nothing),
    ]


def test_whatever_happens_to_postgresql_nobody_hangs_and_nothing_is_lost(site, shop, tmp_path):
    title = f"PostgreSQL under load, DATABASE_TIMEOUT_MS={TIMEOUT_MS}"
    with outages(site, shop, folder=tmp_path / "diaries", seed=SEED, title=title, section="postgres") as run:
        for fault in faults(site):
            if fault.name in IN_SHORT or not report.SHORT:
                run.suffer(fault)


@contextmanager
def locked(site):
    """As by a migration that was not written with care."""
    with site.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def out_of_connections(site):
    """There are two, for a site that had many more. The jobs may have one of them, not both."""
    with site.connect(role="postgres") as connection:
        connection.execute("ALTER ROLE tanhui CONNECTION LIMIT 2")
        site.to_database.cut()
        until(lambda: a_web_worker_has_one(site, connection), seconds=20)
        yield
        connection.execute("ALTER ROLE tanhui CONNECTION LIMIT -1")


def a_web_worker_has_one(site, connection):
    found = connection.execute("SELECT application_name FROM pg_stat_activity WHERE usename = 'tanhui'").fetchall()
    works = ("tanhui web",) in found
    if len(found) == 2 and not works:
        site.to_database.cut()
    return len(found) <= 2 and works


@contextmanager
def read_only(site):
    """What a site meets whose primary became a standby: connections were cut, and no new one may write."""
    alter = "ALTER ROLE tanhui {} default_transaction_read_only"
    with site.connect() as connection:
        connection.execute(alter.format("SET") + " = on")
        site.to_database.cut()
        yield
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(alter.format("RESET"))


@contextmanager
def stopped(site):
    """An administrator's fast stop, and a start."""
    (server,) = site.find(Part.DATABASE)
    server.send_signal(2)
    server.wait(60)
    yield
    site.servers_up()
