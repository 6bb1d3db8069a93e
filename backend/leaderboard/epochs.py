"""Which boards in Redis count: those of the present epoch, and none while a projector could not reach Redis.

The epoch is part of every key, so a new one drops all boards at once: also when Redis cannot be reached, has lost some
of what it was told (restarted from an old snapshot, failed over to a replica that lagged, evicted keys), or when
PostgreSQL was restored from a backup. Epochs are random: one that was used before never comes again.

What is the case is told by `board_state`, by a partition's `board_progress`, and by its mark in Redis:

    behind  progress is of  mark in Redis         what follows
    no      this epoch      its batch, or 1 more  the next batch writes scores and moves the mark (writing.finish)
    no      this epoch      another, or none      Redis has lost something: a new epoch (writing.finish, tending.tend)
    no      another epoch   none yet              the first batch of this epoch sets the mark (writing.finish)
    no      either          no answer             behind, with the commit of the batch that noticed (fall_behind)
    yes     either          whatever              batches tell Redis nothing, boards are read from PostgreSQL; once
                                                  Redis takes a write there is a new epoch (tending.tend)

One more: a batch that Redis has seen and that was not committed; it is repeated. A new epoch is never behind, and its
boards are filled by whoever reads them first (filling).
"""

import secrets
from dataclasses import dataclass
from typing import Any

import psycopg

from backend.database.statements import AnyCursor

EPOCH_BITS = 48

_STATE = "SELECT epoch, behind FROM board_state WHERE id = 1"
_BEGIN = """
INSERT INTO board_state (id, epoch, behind) VALUES (1, %(epoch)s, FALSE)
ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, behind = FALSE
WHERE %(instead_of)s::bigint IS NULL OR board_state.epoch = %(instead_of)s
"""
_BEHIND = """
INSERT INTO board_state (id, epoch, behind) VALUES (1, %(epoch)s, TRUE)
ON CONFLICT (id) DO UPDATE SET behind = TRUE WHERE board_state.epoch = %(epoch)s AND NOT board_state.behind
"""


@dataclass(frozen=True, slots=True)
class State:
    """The present epoch; `behind`: its boards may not be shown."""

    epoch: int = 0
    behind: bool = False


def state(cursor: AnyCursor) -> State:
    """The present state, as PostgreSQL has it."""
    row = cursor.execute(_STATE).fetchone()
    return State(*row) if row else State()


def begin(cursor: psycopg.Cursor[Any], *, instead_of: int | None = None) -> int:
    """Drop all boards when this transaction commits: a new epoch, which is not behind.

    With `instead_of` only if that is still the epoch: several that notice the same loss begin one new epoch together.
    """
    epoch = secrets.randbits(EPOCH_BITS)
    cursor.execute(_BEGIN, {"epoch": epoch, "instead_of": instead_of})
    return epoch


def fall_behind(cursor: psycopg.Cursor[Any], epoch: int) -> None:
    """Let nobody read the boards of this epoch from Redis, when this transaction commits.

    Where another epoch has begun meanwhile there is nothing to do: its boards are filled after our commit.
    """
    cursor.execute(_BEHIND, {"epoch": epoch})
