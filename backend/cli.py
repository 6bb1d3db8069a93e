"""Commands of `flask --app wsgi`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext

from backend.actions.ingest.command import ingest
from backend.admins import commands as admins
from backend.backup import command as backup
from backend.console import commands as console
from backend.leaderboard import commands as leaderboard
from backend.preparation import schema
from backend.preparation.command import prepare
from backend.projector import commands as projector
from backend.verification.command import command as verify

ON_A_READY_SITE: tuple[click.Command, ...] = (
    admins.group,
    ingest,
    leaderboard.group,
    projector.totals,
    verify,
)
# A backup is taken before an upgrade and restored into nothing: it must take the schema as it is.
WITHOUT_A_DATABASE: tuple[click.Command, ...] = (backup.group, console.describe, prepare)


def init_app(app: Flask) -> None:
    """Register every command; those that need the schema see to it, so that any may be the first."""
    for command in ON_A_READY_SITE:
        _make_ready_first(command)
        app.cli.add_command(command)
    for command in WITHOUT_A_DATABASE:
        app.cli.add_command(command)


def _make_ready_first(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _make_ready_first(inner)
    elif command.callback is not None and not hasattr(command.callback, "makes_ready"):
        command.callback = _after_getting_ready(command.callback)


def _after_getting_ready(callback: Callable[..., Any]) -> Callable[..., Any]:
    @with_appcontext
    @wraps(callback)
    def inner(*args: Any, **kwargs: Any) -> Any:
        schema.ensure_ready()
        return callback(*args, **kwargs)

    inner.makes_ready = True  # type: ignore[attr-defined]  # commands are made once, applications may be several
    return inner
