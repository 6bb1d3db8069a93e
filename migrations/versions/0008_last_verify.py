"""What verify last found is kept here: every web server tells it, and no restart forgets it.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Old code neither reads nor writes it, and tells of its own verify as before."""
    op.create_table(
        "last_verify",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("differences", sa.BigInteger(), nullable=False),
        sa.Column("residents", sa.BigInteger(), nullable=False),
        sa.Column("actions", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("boards", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("last_verify_pkey")),
    )


def downgrade() -> None:
    """Drop it: nothing else knows of it."""
    op.drop_table("last_verify")
