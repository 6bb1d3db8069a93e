"""Public pages: the front page, the documentation, health and metrics."""

from flask import Flask

from backend.console import pages, routes
from backend.database import revisions


def init_app(app: Flask) -> None:
    """Register the pages."""
    # Now, and not when a worker is first asked: by then the files may be those of a newer release.
    revisions.wanted()
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(pages.blueprint)


__all__ = ["init_app"]
