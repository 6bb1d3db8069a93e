"""Residents say by themselves whether they are hidden from others: boards need not ask their wallets.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add `residents.hidden`, and hide who is frozen. Started again, it goes on.

    Whom old code freezes, unfreezes or erases after that keeps the former value: verify names them, and `resident
    mend` puts it right.
    """
    with op.get_context().autocommit_block():
        # A constant default is kept in the catalogue: no row is written. Old code leaves the column to it.
        op.execute("ALTER TABLE residents ADD COLUMN IF NOT EXISTS hidden boolean NOT NULL DEFAULT false")
        # By itself: nobody waits meanwhile but who changes one of these few.
        op.execute(
            "UPDATE residents r SET hidden = true FROM wallets w"
            " WHERE w.resident_id = r.resident_id AND w.frozen AND r.state = 'active' AND NOT r.hidden"
        )


def downgrade() -> None:
    """Drop it: the code from before asks the wallets."""
    op.drop_column("residents", "hidden")
