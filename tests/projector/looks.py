"""Looks at what waits in the outbox, by cursors on which PostgreSQL answers as the test wants it."""

from backend.database import autocommit_cursor
from tests.projector.outbox_rows import FILL

AS_BY_LOCKING_A_WALLET = "SELECT pg_current_xact_id()"
"""The transaction gets a number of its own."""


def look(front, **how):
    """The numbers of the rows that wait first, by partition."""
    with autocommit_cursor() as asked:
        return {partition: first.id for partition, first in front.look(asked, **how).items()}


def learn(front):
    """What several looks find, each after all that was written before it has come to the disk."""
    found = []
    for _ in range(4):
        found.append(look(front))
        on_the_disk()
    assert found == [found[0]] * 4
    return found[0]


def on_the_disk():
    """Have PostgreSQL's log there up to now: who commits a change waits for it."""
    with autocommit_cursor() as asked:
        asked.execute("CREATE TEMP TABLE written ON COMMIT DROP AS SELECT")


def fill(rows):
    with autocommit_cursor() as asked:
        asked.execute(FILL, (rows,))


class Changed:
    """A cursor on which PostgreSQL tells another position of its log on the disk than it does."""

    def __init__(self, flushed):
        self.flushed = flushed

    def execute(self, sql, values, **how):
        with autocommit_cursor() as asked:
            self.rows = [(*row[:-1], self.flushed) for row in asked.execute(sql, values, **how).fetchall()]
        return self

    def fetchall(self):
        return self.rows


class Noted(Changed):
    """One that also keeps what it was asked."""

    def execute(self, sql, values, **how):
        self.values = values
        return super().execute(sql, values, **how)


class Standby(Changed):
    """One on which PostgreSQL answers as a standby does."""

    def fetchall(self):
        return [(*row[:5], None, None, None) for row in self.rows]
