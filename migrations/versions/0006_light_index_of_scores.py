"""The index by which a board is filled names the period alone, as the models say: equal keys are stored once.

With the resident's id in it each entry was a key of its own, and each new score changed a leaf of its own.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OLD, NEW = "period_scores_starts_on_period_resident_id_idx", "period_scores_starts_on_period_idx"


def upgrade() -> None:
    """Exchange the index. Started again after being cut short, it goes on from there."""
    _exchange(OLD, f"{NEW} ON period_scores (starts_on, period)")


def downgrade() -> None:
    """Bring the old index back."""
    _exchange(NEW, f"{OLD} ON period_scores (starts_on, period, resident_id)")


def _exchange(old: str, new: str) -> None:
    with op.get_context().autocommit_block():
        # Both only wait for transactions that were there before, and nobody waits for them meanwhile.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {new.split()[0]}")
        op.execute(f"CREATE INDEX CONCURRENTLY {new}")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {old}")
        op.execute("SET lock_timeout = '3s'")
