"""What other rows follow from, and what was promised, is never changed: PostgreSQL refuses, whoever asks."""

from datetime import date

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from backend import audit, clock
from backend.database import db, transaction
from backend.leaderboard.models import SettledBoard
from backend.ledger import service as ledger
from tests.append_only import APPEND_ONLY, changeable

GUARDED = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgfoid = 'refuse_change'::regproc"
COLUMN = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum = 1"


@pytest.fixture
def filled(app, resident, settings):
    """A row at least in each of them; most have those of the defaults."""
    with transaction():
        wallet = ledger.lock_wallet(resident.resident_id)
        reference = ledger.Reference("adjustment", 1)
        ledger.adjust(wallet, points=1, reference=reference, now=clock.now(), settings=settings)
        audit.record(actor="test", action="test.done", object_kind="test", object_id=1)
        db.session.add(
            SettledBoard(
                metric="points",
                period="day",
                starts_on=date(2026, 1, 1),
                scope="city",
                size=0,
                standings=[],
                settled_at=clock.now(),
            )
        )


def test_every_table_that_is_guarded_is_known_to_tests(app):
    with transaction():
        assert sorted(db.session.scalars(text(GUARDED))) == sorted(APPEND_ONLY)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_a_row_is_neither_changed_nor_removed(filled, table, change):
    with transaction():
        column = db.session.scalar(text(COLUMN), {"table": table})
    with pytest.raises(ProgrammingError) as refused, transaction():
        db.session.execute(text(change.format(table=table, column=column)))
    assert isinstance(refused.value.orig, psycopg.errors.RaiseException)
    assert f"{table} is append-only" in str(refused.value)


def test_what_a_test_put_aside_guards_again_afterwards(filled):
    change = text("UPDATE task_versions SET limit_count = limit_count")
    with transaction(), changeable("task_versions"):
        assert db.session.execute(change).rowcount > 0
    with pytest.raises(ProgrammingError, match="append-only"), transaction():
        db.session.execute(change)
