"""Commands of `flask --app wsgi`, imported when somebody calls one: a web worker never does.

Nor do they load what only serves requests (`serving`).
"""

from collections.abc import Callable
from functools import wraps
from pkgutil import resolve_name
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup, ScriptInfo, with_appcontext
from sqlalchemy import text

from backend import present, revisions
from backend.database import db

SERVING = "backend.serving:init_app"
"""Registers all that serves requests."""
ON_A_READY_SITE = {
    "admin": "backend.admins.commands:group",
    "ingest": "backend.actions.ingest.commands:ingest",
    "leaderboard": "backend.leaderboard.commands:group",
    "resident": "backend.account.commands:group",
    "totals": "backend.projector.commands:totals",
    "verify": "backend.verification.commands:command",
}
# A backup is taken before an upgrade and restored into nothing: it must take the schema as it is.
WITHOUT_A_DATABASE = {
    "backup": "backend.backup.commands:group",
    "db": "backend.preparation.schema:group",
    "openapi": "backend.openapi.commands:describe",
    "prepare": "backend.preparation.commands:prepare",
}
ABOUT_THE_API = frozenset({"openapi"})
_READY = "backend.preparation.schema:ensure_ready"
_FILLED = "SELECT revision FROM catalogue_revision WHERE id = 1"


class Commands(AppGroup):
    """All commands by name; their modules, with progress bars and migrations, cost as much as the web application."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return sorted({*super().list_commands(ctx), *ON_A_READY_SITE, *WITHOUT_A_DATABASE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; those that need the schema or the API see to it once they run, so that any may be the first."""
        found = ON_A_READY_SITE.get(cmd_name) or WITHOUT_A_DATABASE.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = resolve_name(found)
        if cmd_name in ON_A_READY_SITE:
            _begin_with(_get_ready, command)
        if cmd_name in ABOUT_THE_API:
            _begin_with(_have_the_api, command)
        return command


def init_app(app: Flask) -> None:
    """Register every command."""
    app.cli = Commands(app.name)


def is_asked() -> bool:
    """Whether Flask loads the application only to find a command of ours in it.

    Its own commands, such as `flask run` and `flask routes`, load it once they run, in a context below. Other programs
    that are made with click, such as servers, are none of Flask's.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.parent is None and isinstance(context.obj, ScriptInfo)


def _begin_with(step: Callable[[], None], command: click.Command) -> None:
    """Let a command, or each of a group, take a step once it runs: `--help` asks for all, and runs none."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _begin_with(step, inner)
    elif command.callback is not None and step not in _steps_of(command.callback):
        command.callback = _after(step, command.callback)


def _after(step: Callable[[], None], callback: Callable[..., Any]) -> Callable[..., Any]:
    @with_appcontext
    @wraps(callback)
    def inner(*args: Any, **kwargs: Any) -> Any:
        step()
        return callback(*args, **kwargs)

    steps = (*_steps_of(callback), step)
    inner.begins_with = steps  # type: ignore[attr-defined]  # commands are made once, applications may be several
    return inner


def _steps_of(callback: Callable[..., Any]) -> tuple[Callable[[], None], ...]:
    return getattr(callback, "begins_with", ())


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
