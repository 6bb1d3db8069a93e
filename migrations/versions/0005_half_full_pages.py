"""Lots and yearly points keep half of each page free, so that a page of events finds room there for all its residents.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say so: no row is written. Pages that are fuller stay so until their rows change."""
    op.execute("ALTER TABLE lots SET (fillfactor = 50)")
    op.execute("ALTER TABLE yearly_points SET (fillfactor = 50)")


def downgrade() -> None:
    """Fill pages as before."""
    op.execute("ALTER TABLE yearly_points SET (fillfactor = 70)")
    op.execute("ALTER TABLE lots SET (fillfactor = 70)")
