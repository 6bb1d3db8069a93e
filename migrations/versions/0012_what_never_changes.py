"""What is followed by other rows and never changed itself is guarded as the ledger is: versions, stock, settled boards.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "emission_factors",
    "methodologies",
    "reward_versions",
    "settled_boards",
    "stock_movements",
    "task_versions",
)


def upgrade() -> None:
    """Refuse every UPDATE and DELETE: neither old code nor new does one. Started again, it goes on.

    One table at a time: who writes to one waits for as long as a trigger takes, and two never wait for each other.
    """
    with op.get_context().autocommit_block():
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )


def downgrade() -> None:
    """Take the guards away."""
    with op.get_context().autocommit_block():
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
