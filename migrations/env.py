"""Alembic's environment: runs inside the Flask application, each migration in its own transaction.

A migration that waits for a lock makes everybody wait who comes after it, reads included. So it waits for
LOCK_TIMEOUT only, lets the others go first, and tries again.
"""

import time

import click
from alembic import context
from flask import current_app
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from backend import tables  # noqa: F401  all models must be known before they are compared
from backend.database import connections

LOCK_TIMEOUT = "1s"
ATTEMPTS = 60
PAUSE_S = 2.0
"""Between two attempts: longer than the wait itself, so that requests have most of the time to themselves."""
database = current_app.extensions["migrate"].db
OPTIONS = {"target_metadata": database.metadata, "compare_type": True, "transaction_per_migration": True}


def run() -> None:
    """Apply the migrations on the application's own database, or write them as SQL (--sql)."""
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, **OPTIONS)
        _run_configured()
        return
    left = ATTEMPTS
    while not _applied(left := left - 1):
        # Nobody waits behind us now. What was applied so far is committed; the next attempt goes on from there.
        time.sleep(PAUSE_S)


def _applied(left: int) -> bool:
    try:
        _apply()
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        _tell(error.orig, left=left)
        return False
    return True


def _apply() -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connections.wait_up_to(connection.connection.driver_connection, None)
        connection.commit()
        context.configure(connection=connection, **OPTIONS)
        _run_configured()


def _run_configured() -> None:
    with context.begin_transaction():
        if context.is_offline_mode():
            context.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        context.run_migrations()


def _tell(error: LockNotAvailable, *, left: int) -> None:
    if left == 0:
        raise click.ClickException(
            "A table was in use the whole time. Look for the transaction that holds it: "
            "SELECT pid, now() - xact_start, query FROM pg_stat_activity ORDER BY xact_start. Then run this again."
        )
    why = str(error).splitlines()[0]
    click.echo(f"A table is in use ({why}): letting the others go first, {left} attempts left.", err=True)


run()
