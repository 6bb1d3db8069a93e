"""Tanhui: the backend of a city's citizen low-carbon points mini-program."""

import os
import sys
from pkgutil import resolve_name

import click
from flask_babel import Babel

from backend import cli, database, logs, metrics, redis, web
from backend.config import Settings, SettingsError
from backend.database import AUTOCOMMIT, autocommit_options, engine_options
from backend.embedded import EmbeddedError

NOWHERE = Settings(database_url="postgresql+psycopg:///nowhere", redis_url="redis:///")


def for_process(program: str, *, serves: bool, begins: bool = True) -> web.Application:
    """The application of a process of the site, with the settings of its environment; see `create_app`.

    Where those will not do, the process ends with one sentence on standard error and exit code 78, by which systemd
    knows that to start it again is of no use. Unless it `begins` a site, one must be there.
    """
    try:
        return create_app(Settings.from_environment(begins=begins), program=program, serves=serves)
    except (SettingsError, EmbeddedError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(os.EX_CONFIG)


def for_command(asked: cli.Asked) -> web.Application:
    """The application of a command; what a command does can be told without a site."""
    if asked.explains:
        return create_app(NOWHERE, program=asked.name, serves=False)
    return for_process(asked.name, serves=False, begins=asked.begins)


def create_app(settings: Settings | None = None, *, program: str = "web", serves: bool = True) -> web.Application:
    """The application with everything registered; reads its settings from the environment unless given.

    PostgreSQL is told that `tanhui <program>` connects. Raises SettingsError.

    Commands and jobs, which answer no requests, do without what only those need (`serves=False`): half of
    the time that loading takes, and a quarter of the memory.
    """
    app = web.Application("backend", static_folder=None)
    app.extensions["settings"] = chosen = settings or Settings.from_environment()
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        MAX_CONTENT_LENGTH=chosen.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=chosen.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(chosen, program=program),
        SQLALCHEMY_BINDS={AUTOCOMMIT: autocommit_options(chosen, program=program)},
        BABEL_DEFAULT_LOCALE=chosen.default_locale,
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    logs.init_app(app)
    metrics.count_connections()
    database.init_app(app, in_use=metrics.POOL_IN_USE.inc)
    redis.init_app(app)
    Babel(app, locale_selector=web.locale)
    cli.init_app(app)
    if serves:
        resolve_name(cli.SERVING)(app)
    return app
