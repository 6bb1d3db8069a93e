"""The schema and the default catalogue: brought up to date by `prepare`, looked at by every command."""

from typing import Any

import click
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from click import ClickException
from flask.cli import with_appcontext
from flask_migrate import Migrate, upgrade
from flask_migrate.cli import db as migrations

from backend import defaults, present
from backend.catalogue.models import CatalogueRevision
from backend.database import MIGRATIONS, db, transaction


@click.group("db", commands=migrations.commands, params=migrations.params, help=migrations.help)
@with_appcontext
def group(**values: Any) -> None:
    """Flask-Migrate's own commands, with our migrations."""
    _begin_migrating()
    migrations.callback(**values)


def is_current() -> bool:
    """Whether the newest migration has been applied."""
    wanted = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == wanted


def bring_up_to_date() -> int:
    """Apply missing migrations and add missing defaults; returns how many defaults were added."""
    if not is_current():
        _begin_migrating()
        upgrade()
    with transaction():
        return defaults.load()


def ensure_ready() -> None:
    """What every command begins with: a development site is brought up to date, a production one must be.

    Raises ClickException with the cure.
    """
    if is_current() and db.session.get(CatalogueRevision, 1) is not None:
        return
    settings = present.settings()
    if settings.production:
        raise ClickException("The database is not up to date: run 'flask --app wsgi prepare --no-simulate' first.")
    bring_up_to_date()


def _begin_migrating() -> None:
    # Not where the application is made: a web worker would carry Alembic.
    if "migrate" not in present.extensions():
        Migrate(present.application(), db, directory=str(MIGRATIONS), compare_type=True)
