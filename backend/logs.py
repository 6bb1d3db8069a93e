"""Structured logs: one JSON object a line (plain text on a terminal), each with the request's id."""

import logging
import random
import sys
from typing import Any

import structlog
from flask import Flask, has_request_context, request
from structlog.typing import EventDict, Processor, WrappedLogger

REQUEST_ID = "X-Request-Id"
_KNOWN = "tanhui.request_id"
"""Where a request's environment holds it. Flask's `g` and its headers cost several times as much to ask."""


def init_app(app: Flask) -> None:
    """Route the standard library's logging and our own through structlog."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(app.extensions["settings"].log_level)
    # It tells of every look at the schema; what it does is told by who asks for it.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def request_id() -> str:
    """The id of the present request."""
    return id_of(request.environ)


def id_of(environ: dict[str, Any]) -> str:
    """The id of the request with this environment: the caller's `X-Request-Id` if it is sane, else a new one."""
    known: str | None = environ.get(_KNOWN)
    if known is None:
        given: str = environ.get("HTTP_X_REQUEST_ID", "")
        sane = 0 < len(given) <= 64 and given.isascii() and given.isprintable()  # noqa: PLR2004  a UUID with room
        known = environ[_KNOWN] = given if sane else f"{random.getrandbits(128):032x}"
    return known


def _add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if has_request_context():
        event["request_id"] = request_id()
        event["path"] = request.path
    return event
