"""The blueprint that all routes of the API are on: flask-smorest's, with bodies read strictly and without detours.

The library describes each route; at run time a JSON body goes straight to its schema, and an answer that is complete
goes straight back. Its own way costs as much as a small request.
"""

import json
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from http import HTTPStatus
from typing import Any, ClassVar, NoReturn

import flask_smorest
from flask import Request, Response, request
from flask_babel import lazy_gettext as _l
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser, is_json_request
from werkzeug.exceptions import NotFound
from werkzeug.routing import IntegerConverter, Map

from backend import present
from backend.errors import RefusalError

View = Callable[..., Any]
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

    def load_body(self, schema: Schema) -> Any:
        """The present request's JSON body, loaded; raises UnreadableBodyError, UnsupportedMediaTypeError, or 422."""
        asked = present.request()
        try:
            return schema.load(self._raw_load_json(asked))
        except ValidationError as error:
            error.messages = {"json": error.messages}
            return self.handle_error(error, asked, schema, error_status_code=None, error_headers=None)

    def load_query(self, schema: Schema) -> Any:
        """The present request's query, loaded; raises 422. What a query says depends on nothing else: it is kept."""
        return dict(_query_of(schema, present.request().query_string))

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


@lru_cache(maxsize=4_096)
def _query_of(schema: Schema, said: bytes) -> dict[str, Any]:  # noqa: ARG001  `said` is what it is kept by
    found: dict[str, Any] = _PARSER.parse(schema, request, location="query")
    return found


_PARSER = StrictParser()
_LOADING: dict[str, Callable[[Schema], Any]] = {"json": _PARSER.load_body, "query": _PARSER.load_query}


class Blueprint(flask_smorest.Blueprint):
    """A part of the API."""

    ARGUMENTS_PARSER: ClassVar[FlaskParser] = _PARSER

    def arguments(self, schema: Any, *, location: str = "json", **described: Any) -> Callable[[View], View]:
        """Give the view what the request holds, loaded with a schema, after its positional arguments.

        The view is not called for what cannot be read (400), is of another kind (415) or has wrong fields (422).
        """
        describe = super().arguments(schema, location=location, **described)
        load = _LOADING.get(location)
        if load is None:
            return describe  # type: ignore[no-any-return]  # the library is untyped
        ready = _schema_of(schema) if isinstance(schema, type) else schema

        def decorate(view: View) -> View:
            @wraps(describe(view))
            def inner(*args: Any, **kwargs: Any) -> Any:
                return view(*args, load(ready), **kwargs)

            return inner

        return decorate

    def response(self, status_code: int, schema: Any = None, **described: Any) -> Callable[[View], View]:
        """Dump what the view gives with a schema; a Response is the answer as it is."""
        describe = super().response(status_code, schema, **described)

        def decorate(view: View) -> View:
            dumped = describe(_as_it_is)

            @wraps(describe(view))
            def inner(*args: Any, **kwargs: Any) -> Any:
                given = view(*args, **kwargs)
                return given if isinstance(given, Response) else dumped(given)

            return inner

        return decorate


def _as_it_is(given: Any) -> Any:
    return given


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
