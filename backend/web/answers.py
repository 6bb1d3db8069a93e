"""Answers that are complete go out as they are.

Werkzeug copies an answer's headers, looks through them for what it may have to add or to take away, and wraps the body
in something that can be closed. Where there is nothing but a body, its kind and its length, all that changes nothing.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Answer(Response):
    """Flask's response, and the same bytes; sooner where it is complete."""

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Send status and headers, and give the body."""
        method, status, given = environ.get("REQUEST_METHOD"), self.status_code, cast("object", self.response)
        if method != "HEAD" and status >= HTTPStatus.OK and status not in _BODILESS and not self._on_close:
            match self.headers.to_wsgi_list(), given:
                case [("Content-Type", _), ("Content-Length", _)] as headers, [bytes()] as body:
                    start_response(self.status, headers)
                    return body
        return super().__call__(environ, start_response)
