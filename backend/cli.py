"""Commands of `flask --app wsgi`, imported when somebody calls one: a web worker never does.

Nor do they load what only serves requests (`serving`).
"""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pkgutil import resolve_name
from typing import Any, NamedTuple

import click
import psycopg
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backend import present
from backend.database import connections, db, revisions

SERVING = "backend.serving:init_app"
"""Registers all that serves requests."""
ON_A_READY_SITE = {
    "admin": "backend.admins.commands:group",
    "ingest": "backend.actions.ingest.commands:ingest",
    "leaderboard": "backend.leaderboard.commands:group",
    "resident": "backend.account.commands:group",
    "secrets": "backend.resealing.commands:group",
    "totals": "backend.projector.commands:totals",
    "verify": "backend.verification.commands:command",
}
ON_ANY_SCHEMA = {
    "backup": "backend.backup.commands:group",
    "db": "backend.preparation.schema:group",
    "openapi": "backend.openapi.commands:describe",
    "prepare": "backend.preparation.commands:prepare",
}
"""Commands that take the schema as it is: a backup is taken before an upgrade, and restored into nothing."""
ABOUT_THE_API = frozenset({"openapi"})
BEGINNING = (("backup", "restore"), ("db",), ("openapi",), ("prepare",))
"""What may be called where there is no site yet: these begin one, or need none. Any other would find nothing there, and
say that all is well.
"""
_READY = "backend.preparation.schema:ensure_ready"
_FILLED = "SELECT revision FROM catalogue_revision WHERE id = 1"


class Commands(AppGroup):
    """All commands by name; their modules, with progress bars and migrations, cost as much as the web application."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted({*super().list_commands(ctx), *ON_A_READY_SITE, *ON_ANY_SCHEMA})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; those that need the schema or the API see to it once they run, so that any may be the first."""
        found = ON_A_READY_SITE.get(cmd_name) or ON_ANY_SCHEMA.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = resolve_name(found)
        steps = {_get_ready: ON_A_READY_SITE, _have_the_api: ABOUT_THE_API}
        _equip(command, steps=[step for step, names in steps.items() if cmd_name in names])
        return command


class Asked(NamedTuple):
    """The command for which an application is made."""

    name: str
    begins: bool
    """Whether it may begin a site."""
    explains: bool
    """Whether all that is wanted is to hear what it does."""


def init_app(app: Flask) -> None:
    """Register every command."""
    app.cli = Commands(app.name)


def asked(context: click.Context) -> Asked:
    """The command to find which Flask loads the application."""
    # Click itself has forgotten them at this point.
    _, left, _ = context.command.make_parser(context).parse_args(sys.argv[1:])
    words = tuple(word for word in left if not word.startswith("-"))
    begins = any(words[: len(one)] == one for one in BEGINNING)
    return Asked(words[0] if words else "flask", begins, explains=not words or "--help" in left)


def _equip(command: click.Command, *, steps: Sequence[Callable[[], None]]) -> None:
    """Let a command, or each of a group, take steps once it runs: `--help` asks for all, and runs none."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _equip(inner, steps=steps)
        if not command.invoke_without_command:
            return
    if command.callback is not None and not hasattr(command.callback, "is_equipped"):
        command.callback = _equipped(command.callback, steps=steps)


def _equipped(callback: Callable[..., Any], *, steps: Sequence[Callable[[], None]]) -> Callable[..., Any]:
    @with_appcontext
    @wraps(callback)
    def inner(*args: Any, **kwargs: Any) -> Any:
        try:
            for step in steps:
                step()
            return callback(*args, **kwargs)
        except (psycopg.Error, SQLAlchemyError) as error:
            if not connections.is_unavailable(error):
                raise
            raise click.ClickException(connections.told(error)) from error

    inner.is_equipped = True  # type: ignore[attr-defined]  # commands are made once, applications may be several
    return inner


def _have_the_api() -> None:
    resolve_name(SERVING)(present.application())


def _get_ready() -> None:
    if not _is_ready():
        resolve_name(_READY)()


def _is_ready() -> bool:
    """Whether schema and defaults are there: nearly always, and to see that takes no Alembic."""
    with db.engine.connect() as connection:
        standing = revisions.standing(revisions.applied(connection))
        return standing != "behind" and connection.scalar(text(_FILLED)) is not None
