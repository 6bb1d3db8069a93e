"""The request and the application that are at work, themselves.

Each look through Flask's proxies takes a hundredth of a small request, and a request would take twenty.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import flask

from backend.config import Settings

Made = TypeVar("Made")


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


def made_once(name: str, make: Callable[[], Made]) -> Made:
    """What the application keeps in this process under a name; made when it is first asked for.

    Where several make it at the same moment, all get the same one.
    """
    known = extensions()
    kept: Made | None = known.get(name)
    return known.setdefault(name, make()) if kept is None else kept


def settings() -> Settings:
    """The application's settings; raises RuntimeError outside of a context."""
    chosen: Settings = application().extensions["settings"]
    return chosen
