"""What serves requests, and nobody else needs: the API with its description, the pages, the handlers of errors."""

from flask import Flask
from flask_smorest import Api

from backend import console, openapi, web
from backend.admins import auth as admins
from backend.api import BLUEPRINTS, DESCRIPTION
from backend.residents import auth as residents
from backend.web import limits
from backend.web.blueprint import IdConverter


def init_app(app: Flask) -> None:
    """Register all of it, unless it is there."""
    if "flask-smorest" in app.extensions:
        return
    app.config.update(DESCRIPTION)
    app.url_map.converters["int"] = IdConverter
    api = Api(app)
    openapi.know_schemas(api)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint, url_prefix=f"/api/v1{blueprint.url_prefix or ''}")
    console.init_app(app)
    # After flask-smorest, whose handler for HTTP errors would otherwise replace ours.
    web.init_app(app)
    limits.init_app(app, resident=residents.proved, admin=admins.proved)
