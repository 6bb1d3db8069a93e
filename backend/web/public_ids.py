"""Public ids of what is numbered within its resident: `<resident_id>-<number>` (docs/adr/0004)."""

import re

from backend.errors import NotFoundError

LARGEST_INTEGER = 2**31 - 1
LARGEST_BIGINT = 2**63 - 1
_ID = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")


def text(resident_id: int, number: int) -> str:
    """The public id."""
    return f"{resident_id}-{number}"


def parse(given: str, *, most: int = LARGEST_INTEGER) -> tuple[int, int]:
    """(resident_id, number) of a public id; raises NotFoundError for what none can be.

    `most` is the largest number that the column can hold.
    """
    parts = _ID.fullmatch(given)
    if parts is None:
        raise NotFoundError
    resident_id, number = int(parts[1]), int(parts[2])
    if resident_id > LARGEST_BIGINT or number > most:
        raise NotFoundError
    return resident_id, number
