"""Which actions bear the same photo: an index of its hash, of those actions alone that have one.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX = "actions_photo_idx"
HASH = "evidence ->> 'photo_sha256'"


def upgrade() -> None:
    """Add the index. Started again after being cut short, it begins anew."""
    with op.get_context().autocommit_block():
        # Both only wait for transactions that were there before, and nobody waits for them meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON actions (({HASH})) WHERE {HASH} IS NOT NULL")
        # Until then PostgreSQL takes any hash for one that each two hundredth row has, and may rather read them all. Not
        # where there is no action yet: what is known to be empty is read whole by whatever is planned from then on.
        op.execute("DO $$ BEGIN IF EXISTS (SELECT FROM actions) THEN ANALYZE actions; END IF; END $$")
        op.execute("SET lock_timeout = '3s'")


def downgrade() -> None:
    """Drop it: the code from before asks for no photo."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute("SET lock_timeout = '3s'")
