"""Indexes of rows that are rare: actions that are not credited, events that nobody has bound, addresses of deliveries.

Each is looked for among very many others: by reviewers, and by the job that removes what has served its time. None of
them is in the way of what is common: a credited action, a bound event, a reward that is not sent.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW = (
    "actions_uncredited_idx ON actions (status, posted_at) WHERE status <> 'credited'",
    "external_events_unbound_since_idx ON external_events (received_at) WHERE resident_id IS NULL",
    "redemptions_delivery_idx ON redemptions (decided_at) WHERE delivery IS NOT NULL",
)
OLD = ("actions_pending_idx ON actions (posted_at) WHERE status = 'pending'",)


def upgrade() -> None:
    """Exchange the indexes. Started again after being cut short, it goes on from there."""
    _exchange(OLD, NEW)


def downgrade() -> None:
    """Bring the old index back."""
    _exchange(NEW, OLD)


def _exchange(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    with op.get_context().autocommit_block():
        # All only wait for transactions that were there before, and nobody waits for them meanwhile.
        op.execute("SET lock_timeout = 0")
        for index in new:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.split()[0]}")
            op.execute(f"CREATE INDEX CONCURRENTLY {index}")
        for index in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.split()[0]}")
        op.execute("SET lock_timeout = '3s'")
