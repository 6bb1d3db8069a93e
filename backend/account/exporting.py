"""Everything that is held about a resident, as one JSON document (PIPL 45: access and copy)."""

import json
from collections.abc import Iterator
from typing import Any

from backend import clock, sealing
from backend.account import freezing
from backend.actions import personal as actions
from backend.database import autocommit_cursor
from backend.ledger import personal as ledger
from backend.partners import personal as partners
from backend.residents import personal as residents
from backend.rewards import personal as rewards

ROWS = 500
"""Rows read at a time: the memory that an export takes does not grow with the history."""
SECTIONS = {**residents.HELD, **partners.HELD, **actions.HELD, **ledger.HELD, **rewards.HELD, **freezing.HELD}
"""Name of each section → a statement that gives (key, JSON object) after a key, in the key's order."""


def export(resident_id: int) -> Iterator[str]:
    """The document in parts. No connection is held while a part is on its way to a slow client."""
    yield f'{{"exported_at": {json.dumps(clock.rfc3339(clock.now()))}'
    for name, statement in SECTIONS.items():
        yield f', "{name}": ['
        separator = ""
        for rows in _pages(resident_id, statement):
            texts = [json.dumps(_opened(row), ensure_ascii=False) for row in rows]
            yield separator + ", ".join(texts)
            separator = ", "
        yield "]"
    yield "}"


def _pages(resident_id: int, statement: str) -> Iterator[list[dict[str, Any]]]:
    after: str | int | None = None
    while True:
        with autocommit_cursor() as cursor:
            values = {"resident_id": resident_id, "after": after, "rows": ROWS}
            found = cursor.execute(statement, values).fetchall()
        if found:
            yield [row[1] for row in found]
        if len(found) < ROWS:
            return
        after = found[-1][0]


def _opened(row: dict[str, Any]) -> dict[str, Any]:
    sealed = {name: row[name] for name in rewards.OPENED if row.get(name)}
    return {**row, **{name: json.loads(sealing.unseal(text)) for name, text in sealed.items()}}
