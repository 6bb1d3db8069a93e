"""A revision of what boards call people, so that a page of names that was shown a moment ago can be shown again.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Old code neither reads nor writes it: let it end before names are changed by new code alone."""
    op.create_table(
        "names_revision",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("names_revision_pkey")),
    )


def downgrade() -> None:
    """Drop it: nothing else knows of it."""
    op.drop_table("names_revision")
