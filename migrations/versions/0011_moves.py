"""Where residents lived before they moved: boards are settled by where one lived when the period ended.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Old code does not write it: who moves under it counts where they live when the board is settled."""
    op.create_table(
        "moves",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("community_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("resident_id", "day", name=op.f("moves_pkey")),
    )
    op.create_index(op.f("moves_day_idx"), "moves", ["day"])


def downgrade() -> None:
    """Drop it: the code from before settles boards by where people live then."""
    op.drop_index(op.f("moves_day_idx"), table_name="moves")
    op.drop_table("moves")
