"""Lots are found by being open: their running balance is in no index, so that an award changes one page of theirs.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OLD, NEW = "lots_expires_on_idx", "lots_open_idx"


def upgrade() -> None:
    """Add `lots.closed`, and exchange the index. Started again after being cut short, it goes on from there."""
    # A constant default is kept in the catalogue: no row is written. Old code leaves the column to it.
    op.execute("ALTER TABLE lots ADD COLUMN IF NOT EXISTS closed boolean NOT NULL DEFAULT false")
    # Room for the next version of a row on its own page. Pages that are full stay so until their rows change.
    op.execute("ALTER TABLE lots SET (fillfactor = 70)")
    _exchange(OLD, f"{NEW} ON lots (expires_on) WHERE NOT closed")


def downgrade() -> None:
    """Bring the old index back, and drop the column: past lots are empty, which is all that it said."""
    _exchange(NEW, f"{OLD} ON lots (expires_on) WHERE remaining > 0")
    op.execute("ALTER TABLE lots RESET (fillfactor)")
    op.execute("ALTER TABLE lots DROP COLUMN closed")


def _exchange(old: str, new: str) -> None:
    with op.get_context().autocommit_block():
        # Both only wait for transactions that were there before, and nobody waits for them meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {new.split()[0]}")
        op.execute(f"CREATE INDEX CONCURRENTLY {new}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {old}")
        op.execute("SET lock_timeout = '3s'")
