"""Tables of which no row is ever changed or removed, and how a test does so all the same: a past, or a damage."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from backend.database import db

APPEND_ONLY = (
    "audit_log",
    "emission_factors",
    "ledger_entries",
    "methodologies",
    "reward_versions",
    "settled_boards",
    "stock_movements",
    "task_versions",
)


@contextmanager
def changeable(*tables: str) -> Iterator[None]:
    """In the present transaction, put aside the triggers that keep these tables as they are; for nobody else."""
    _switch("DISABLE", tables)
    yield
    _switch("ENABLE", tables)


def _switch(how: str, tables: tuple[str, ...]) -> None:
    for table in tables:
        db.session.execute(text(f"ALTER TABLE {table} {how} TRIGGER {table}_append_only"))
