"""The schema and the default catalogue: brought up to date by `prepare`, looked at by every command."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from click import ClickException
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import Migrate, upgrade
from flask_migrate.cli import db as group

from backend import defaults
from backend.catalogue.models import CatalogueRevision
from backend.config import Settings
from backend.database import MIGRATIONS, db, transaction

__all__ = ["bring_up_to_date", "ensure_ready", "group", "is_current"]


def is_current() -> bool:
    """Whether the newest migration has been applied."""
    migrations = current_app.extensions["migrate"].directory
    wanted = ScriptDirectory(migrations).get_current_head()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == wanted


def bring_up_to_date() -> int:
    """Apply missing migrations and add missing defaults; returns how many defaults were added."""
    if not is_current():
        upgrade()
    with transaction():
        return defaults.load()


def ensure_ready() -> None:
    """What every command begins with: a development site is brought up to date, a production one must be.

    Raises ClickException with the cure.
    """
    if is_current() and db.session.get(CatalogueRevision, 1) is not None:
        return
    settings: Settings = current_app.extensions["settings"]
    if settings.production:
        raise ClickException("The database is not up to date: run 'flask --app wsgi prepare --no-simulate' first.")
    bring_up_to_date()
