"""Voucher codes that were handed out since a backup was made: restored with it, they would be handed out again.

A code is known by the code of its reward and its own, whoever has it and whichever site it was.
"""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple, Self

from backend.backup.errors import BackupError
from backend.database import transaction
from backend.rewards import restored

BY = "command:backup"
HANDED_OUT = """
SELECT r.code, v.code FROM vouchers v JOIN rewards r ON r.id = v.reward_id
WHERE v.resident_id IS NOT NULL ORDER BY 1, 2
"""


class HandedOut(NamedTuple):
    """A code that somebody has."""

    reward: str
    """The reward's own code."""
    code: str

    @classmethod
    def of(cls, line: str) -> Self:
        """Of `reward,code` as PostgreSQL writes CSV; raises BackupError."""
        cells = next(csv.reader(io.StringIO(line)))
        if len(cells) != len(cls._fields) or not all(cells):
            raise BackupError(
                f"{line.strip()!r} is not the code of a reward and a voucher's, such as 'coffee,A17-B42'. Nothing was"
                " changed."
            )
        return cls(*cells)


def withdraw(codes: Sequence[HandedOut]) -> int:
    """Let nobody have these codes any more; returns how many the pools still held."""
    with transaction():
        return restored.withdraw(codes, by=BY)
