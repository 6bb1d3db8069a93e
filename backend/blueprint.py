"""The blueprint that all routes of the API are on: flask-smorest's, with bodies read strictly."""

import json
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar, NoReturn

import flask_smorest
from flask import Request
from flask_babel import lazy_gettext as _l
from marshmallow import Schema
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter, Map

from backend.errors import RefusalError

LARGEST_ID = 2**63 - 1
LONGEST_ID = len(str(LARGEST_ID))


class UnreadableBodyError(RefusalError):
    """The body is not JSON in UTF-8, or is nested too deeply."""

    status = HTTPStatus.BAD_REQUEST
    slug = "bad-request"
    title = _l("The body is not JSON that can be read. Send one JSON value in UTF-8.")


class UnsupportedMediaTypeError(RefusalError):
    """The body is of another kind than the call takes."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    slug = "unsupported-media-type"
    title = _l("Send JSON, with the header Content-Type: application/json.")


def read_json(body: bytes) -> Any:
    """What a JSON body says; raises UnreadableBodyError, also for NaN and Infinity, which are not JSON.

    Of a name that stands twice in an object the last value counts.
    """
    try:
        return _DECODER.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError from error


class StrictParser(FlaskParser):
    """Tells a body that cannot be read (400) from one of another kind (415) and from wrong fields (422)."""

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data()
        if body and not is_json_request(req):
            raise UnsupportedMediaTypeError
        return read_json(body)

    def _get_schema(self, argmap: Any, req: Request) -> Schema:
        # The library makes a schema anew for each request; loading leaves it as it was, so one does for all.
        return _schema_of(argmap) if isinstance(argmap, type) else super()._get_schema(argmap, req)


class IdConverter(IntegerConverter):
    """A number in a path: there is nothing beyond 64 bits, so such an address does not exist.

    Werkzeug's own check of `max` lets the next rule try, and answers 405 where that one is for another method.
    """

    def __init__(self, map: Map, fixed_digits: int = 0, *, max: int = LARGEST_ID) -> None:  # noqa: A002  Werkzeug's names
        super().__init__(map, fixed_digits, max=max)

    def to_python(self, value: str) -> int:
        """The number; raises NotFound."""
        number = int(value) if len(value) <= LONGEST_ID else LARGEST_ID + 1
        if number > (self.max or LARGEST_ID):
            raise NotFound
        return number


@cache
def _schema_of(kind: type[Schema]) -> Schema:
    return kind()


class Blueprint(flask_smorest.Blueprint):
    """A part of the API."""

    ARGUMENTS_PARSER: ClassVar[FlaskParser] = StrictParser()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
