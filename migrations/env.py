"""Alembic's environment: runs inside the Flask application, each migration in its own transaction."""

from alembic import context
from flask import current_app

from backend import tables  # noqa: F401  all models must be known before they are compared

database = current_app.extensions["migrate"].db


def run() -> None:
    """Apply the migrations on the application's own database."""
    with database.engine.connect() as connection:
        # A migration waits for a lock only briefly: queueing behind it would stop every request.
        connection.exec_driver_sql("SET lock_timeout = '3s'")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
