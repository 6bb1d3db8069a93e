"""Tanhui: the backend of a city's citizen low-carbon points mini-program."""

from flask import Flask
from flask_babel import Babel
from flask_smorest import Api

from backend import cli, console, database, limits, logs, metrics, openapi, redis, web
from backend.api import BLUEPRINTS, description
from backend.blueprint import IdConverter
from backend.config import Settings
from backend.database import AUTOCOMMIT, autocommit_options, engine_options


def create_app(settings: Settings | None = None) -> web.Application:
    """The application with everything registered; reads its settings from the environment unless given."""
    app = web.Application("backend", static_folder=None)
    app.extensions["settings"] = chosen = settings or Settings.from_environment()
    app.config.update(
        SECRET_KEY=chosen.secret_key,
        MAX_CONTENT_LENGTH=chosen.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=chosen.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(chosen),
        SQLALCHEMY_BINDS={AUTOCOMMIT: autocommit_options(chosen)},
        BABEL_DEFAULT_LOCALE=chosen.default_locale,
        BABEL_TRANSLATION_DIRECTORIES="translations",
        **description(),
    )
    logs.init_app(app)
    metrics.count_connections()
    database.init_app(app, in_use=metrics.POOL_IN_USE.inc)
    redis.init_app(app)
    Babel(app, locale_selector=web.locale)
    _register(app)
    # After flask-smorest, whose handler for HTTP errors would otherwise replace ours.
    web.init_app(app)
    limits.init_app(app)
    return app


def _register(app: Flask) -> None:
    api = Api(app)
    app.url_map.converters["int"] = IdConverter
    openapi.know_schemas(api)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"/api/v1{blueprint.url_prefix or ''}")
    console.init_app(app)
    cli.init_app(app)
