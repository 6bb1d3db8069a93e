"""The request and the application that are at work, themselves.

Each look through Flask's proxies takes a hundredth of a small request, and a request would take twenty.
"""

from typing import Any

import flask

from backend.config import Settings


def request() -> flask.Request:
    """The request that is being answered; raises RuntimeError outside of one."""
    found: flask.Request = flask.request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  Flask's own way past the proxy
    return found


def application() -> flask.Flask:
    """The application of the present context; raises RuntimeError outside of one. Threads and processes need it so."""
    found: flask.Flask = flask.current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  Flask's own way past the proxy
    return found


def extensions() -> dict[str, Any]:
    """What the application keeps in this process, by name; raises RuntimeError outside of a context."""
    return application().extensions


def settings() -> Settings:
    """The application's settings; raises RuntimeError outside of a context."""
    chosen: Settings = application().extensions["settings"]
    return chosen
