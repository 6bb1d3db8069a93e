"""Rows of the outbox without actions, and somebody's view of them."""

from backend.outbox import PARTITIONS

FILL = f"""
INSERT INTO outbox (resident_id, partition, kind, day, task_id, tier, co2e_mg, points, actions, posted_at)
SELECT n, n %% {PARTITIONS}, 'action', current_date, 1, 'partner', 100, 1, 1, now() FROM generate_series(1, %s) n
"""
"""Of residents 1, 2, 3 …, one row each."""
ALIKE = FILL.replace("(resident_id,", "(id, resident_id,").replace("SELECT n,", "SELECT %s, n,")
"""The same, all under one number."""


def take_snapshot(cursor):
    """Begin a transaction that may see what is in the outbox now as long as it lasts: as a dump."""
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    cursor.execute("SELECT count(*) FROM outbox")
