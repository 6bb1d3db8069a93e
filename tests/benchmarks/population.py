"""Residents for the rows: made by SQL, handed out once, so that nobody's limits are reached."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

SPREAD = 7_919
"""A prime: stepping by it through a group visits everyone once, and neighbours far apart in the tables."""

_RESIDENTS = """
INSERT INTO residents (resident_id, state, nickname, leaderboard_consent, simulated, token_epoch, joined_at)
SELECT n, 'active', 'bench-' || n, n %% 3 > 0, true, 0, now() - interval '400 days'
FROM generate_series(%s::int, %s::int) n
"""
_WALLETS = """
INSERT INTO wallets (resident_id, balance, held, earned, spent, expired, adjusted, entry_seq, action_seq,
    redemption_seq, version, co2e_mg, actions, frozen)
SELECT n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false FROM generate_series(%s::int, %s::int) n
"""


@dataclass(frozen=True)
class Group:
    """Residents `first` … `first + size - 1`."""

    first: int
    size: int

    def __iter__(self) -> Iterator[int]:
        return (self.first + n * SPREAD % self.size for n in range(self.size))


class Population:
    """Makes residents with empty wallets, and never hands out the same one twice."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._next = 1

    def group(self, size: int) -> Group:
        """At least `size` new residents."""
        size += size % SPREAD == 0
        group = Group(self._next, size)
        last = group.first + size - 1
        with self._connection.transaction():
            for statement in (_RESIDENTS, _WALLETS):
                self._connection.execute(statement, (group.first, last))
        self._next = last + 1
        return group

    def settle(self) -> None:
        """Have the tables in the state of a site that has run for a while: analysed, and written to disk."""
        self._connection.execute("VACUUM (ANALYZE) residents, wallets")
