"""What changed of residents, in the order of commits: who keeps names and sessions learns what to forget.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table.

    Old code does not write it. New code notices where old code has changed a name; an account that is cancelled by old
    code while new code runs beside it is refused everywhere but on boards, which its token reads until it ends.
    """
    op.create_table(
        "resident_changes",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("token_epoch", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("resident_changes_pkey")),
    )


def downgrade() -> None:
    """Drop it: the code from before asks about each token and each name."""
    op.drop_table("resident_changes")
