"""Who left is known again for a while, and takes along what counted before.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = {"left_on": sa.Date(), "left_points": sa.BigInteger(), "left_taken": postgresql.JSONB()}
"""What residents bring along."""


def upgrade() -> None:
    """Add the table and three columns, for which no row is written. Old code leaves them empty, and forgets who leaves."""
    op.create_table(
        "departures",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("subject_hash", sa.Text(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=False),
        sa.Column("year_points", sa.BigInteger(), nullable=False),
        sa.Column("taken", postgresql.JSONB(), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("frozen_reason", sa.Text(), nullable=True),
        sa.Column("forget_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "subject_hash", name=op.f("departures_pkey")),
    )
    op.create_index("departures_forget_on_idx", "departures", ["forget_on"])
    # Last: until this commits, everybody who asks for a resident waits.
    for name, kind in COLUMNS.items():
        op.add_column("residents", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Drop them: the code from before knows nobody again."""
    for name in COLUMNS:
        op.drop_column("residents", name)
    op.drop_table("departures")
