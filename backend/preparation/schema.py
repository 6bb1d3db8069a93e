"""The schema and the default catalogue: brought up to date by `prepare`, and where a command misses something."""

from typing import Any

import click
from click import ClickException
from flask.cli import with_appcontext
from flask_migrate import Migrate, upgrade
from flask_migrate.cli import db as migrations

from backend import defaults, present
from backend.database import MIGRATIONS, db, revisions, transaction

_AHEAD = "The database stands at {}, which a newer release has migrated: this one serves it, and migrates nothing."


@click.group("db", commands=migrations.commands, params=migrations.params, help=migrations.help)
@with_appcontext
def group(**values: Any) -> None:
    """Flask-Migrate's own commands, with our migrations."""
    _begin_migrating()
    migrations.callback(**values)


def bring_up_to_date() -> int:
    """Apply missing migrations and add missing defaults; returns how many defaults were added.

    What a newer release has migrated is left as it is, and told.
    """
    applied = _applied()
    match revisions.standing(applied):
        case "behind":
            _begin_migrating()
            upgrade()
        case "ahead":
            click.echo(_AHEAD.format(*applied), err=True)
    with transaction():
        return defaults.load()


def ensure_ready() -> None:
    """Where a command misses something: a development site is brought up to date, a production one must be.

    Raises ClickException with the cure.
    """
    if present.settings().production:
        raise ClickException("The database is not up to date: run 'flask --app wsgi prepare --no-simulate' first.")
    bring_up_to_date()


def _applied() -> list[str]:
    with db.engine.connect() as connection:
        return revisions.applied(connection)


def _begin_migrating() -> None:
    # Not where the application is made: a web worker would carry Alembic.
    if "migrate" not in present.extensions():
        Migrate(present.application(), db, directory=str(MIGRATIONS), compare_type=True)
