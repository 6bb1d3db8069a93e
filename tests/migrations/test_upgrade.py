"""The newest migration is applied while the code from before it serves requests: none fails."""

import json

import psycopg
import pytest

from tests.benchmarks.web_server import serving
from tests.migrations import old_code

EVERY_TABLE = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
HELD_UP = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
UPGRADE_S = 120


@pytest.mark.slow
def test_no_request_fails_while_the_newest_migration_is_applied(old_city, serving_old, tmp_path):
    migration = old_code.newest()
    assert old_city.revision() == migration.down_revision
    traffic = old_city.traffic(serving_old.port)
    with traffic.going():
        traffic.one_more_life_each()
        old_city.run("db", "upgrade", timeout=UPGRADE_S)
        traffic.one_more_life_each()
        # The old code still serves when the new one comes up beside it, as in a restart of one machine after another.
        with serving("wsgi:app", environment=old_city.environment, log=tmp_path / "new.log") as web:
            new_traffic = old_city.traffic(web.port, name="after")
            with new_traffic.going():
                new_traffic.one_more_life_each()
            traffic.one_more_life_each()
    assert not traffic.failures + new_traffic.failures
    assert old_city.revision() == migration.revision
    assert json.loads(old_city.run("verify", "--json"))["count"] == 0


@pytest.mark.slow
def test_a_long_transaction_holds_up_the_migration_and_nobody_else(old_city, serving_old):
    traffic = old_city.traffic(serving_old.port)
    with traffic.going(), psycopg.connect(old_city.url) as long:
        for (table,) in long.execute(EVERY_TABLE).fetchall():
            long.execute(f'SELECT FROM "{table}" LIMIT 1')
        upgrade = old_city.start("db", "upgrade")
        try:
            _wait_until_it_waits(upgrade, url=old_city.url, holder=long.info.backend_pid)
            traffic.one_more_life_each()
            long.rollback()
            said, _ = upgrade.communicate(timeout=UPGRADE_S)
        finally:
            upgrade.kill()
        traffic.one_more_life_each()
    assert upgrade.returncode == 0, said
    assert not traffic.failures
    assert old_city.revision() == old_code.newest().revision


def _wait_until_it_waits(upgrade, *, url, holder):
    """Until somebody waits for a lock that the long transaction holds, or the migration needed none of them."""
    with psycopg.connect(url, autocommit=True) as connection:
        while upgrade.poll() is None and not connection.execute(HELD_UP, (holder,)).fetchone()[0]:
            connection.execute("SELECT pg_stat_clear_snapshot()")
