"""Public pages: the front page, the documentation, health and metrics."""

from flask import Flask

from backend.console import pages, routes


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(pages.blueprint)


__all__ = ["init_app"]
