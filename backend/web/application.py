"""HTTP shared by all features: problem+json, who may call what, the commit around every request, callers' languages."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from babel import Locale
from flask import Flask, Request, Response, has_request_context
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header

from backend import metrics, present
from backend.database import transaction
from backend.database.connections import is_unavailable, unwrapped
from backend.errors import RefusalError, UpstreamUnavailableError
from backend.logs import REQUEST_ID, id_of, request_id
from backend.web.answers import Answer
from backend.web.library_messages import translated
from backend.web.routing import RoutedFlask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

View = TypeVar("View", bound=Callable[..., Any])
HEADERS = "tanhui.headers"
"""Where a request's environment holds further headers of its answer: (name, value) pairs."""
SMALL_BODY = 64 * 1024
"""Bytes that every JSON object of the API fits in, also one with all its texts as long as they may be, and escaped."""
MOST_TOLD = 50
"""Wrong fields that an answer names: a body may have thousands, and each is said in the caller's language."""
_log = structlog.get_logger()
SLUGS = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "content-too-large", HTTPStatus.TOO_MANY_REQUESTS: "rate-limited"}
"""Slugs that do not follow from the status' phrase, or not with every Python: phrases change, slugs must not."""


class _Sessions(SecureCookieSessionInterface):
    """Cookies for screens only: callers of the API say who they are in each request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/api/") else super().open_session(app, request)

    def make_null_session(self, app: Flask) -> NullSession:  # noqa: ARG002  as Flask's
        return self._none  # nothing can be put into it, so one does for all


class Application(RoutedFlask):
    """Flask, with each request inside one transaction.

    The commit wraps the dispatch: an error in `after_request` would skip the error handlers.
    """

    session_interface = _Sessions()
    response_class = Answer

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request; a body that ends before its Content-Length is refused as 400."""
        environ[metrics.BEGAN] = time.perf_counter()
        # gunicorn says that a body ends by itself, even where its sender hung up in the middle: half a file of voucher
        # codes would be taken for a whole one. Without its word, Werkzeug counts.
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            # Here, and not on Flask's response: there each would be checked, copied and checked again.
            headers += (REQUEST_ID, id_of(environ)), ("X-Content-Type-Options", "nosniff"), *environ.get(HEADERS, ())
            metrics.observe(environ, endpoint=present.request().endpoint, status=int(status[:3]))
            return start_response(status, headers, exc_info)

        return super().wsgi_app(environ, start)

    def ensure_sync(self, func: View) -> View:
        """The function itself: nothing of ours is a coroutine, and Flask would look ten times a request."""
        return func

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view; commit what it wrote, or nothing of it."""
        asked = present.request()
        if not getattr(self.view_functions.get(asked.endpoint or ""), "takes_large_bodies", False):
            asked.max_content_length = min(SMALL_BODY, self.config["MAX_CONTENT_LENGTH"])
        with transaction():
            return super().dispatch_request()


def caller(kind: str) -> Callable[[View], View]:
    """Declare who may call a route: `public`, `resident`, `partner` or `admin:<role>,…`; a guard test asks."""

    def mark(view: View) -> View:
        view.caller = kind  # type: ignore[attr-defined]  # read by the guard test and by the description
        return view

    return mark


def takes_large_bodies(view: View) -> View:
    """Declare that a route takes bodies of up to MAX_BODY_BYTES; all others take SMALL_BODY bytes at most."""
    view.takes_large_bodies = True  # type: ignore[attr-defined]  # read before the view is run
    return view


def refuses(*refusals: type[RefusalError]) -> Callable[[View], View]:
    """Declare what a route may refuse, beyond what holds for all; the description names each with its slug."""

    def mark(view: View) -> View:
        view.refusals = (*refusals, *getattr(view, "refusals", ()))  # type: ignore[attr-defined]  # read by the description
        return view

    return mark


def init_app(app: Flask) -> None:
    """Answer every error with a problem document, and refuse addresses that no text can hold."""
    app.register_error_handler(RefusalError, problem_of_refusal)
    app.register_error_handler(HTTPException, problem_of_http)
    app.register_error_handler(Exception, problem_of_error)
    app.before_request(_refuse_what_no_text_may_hold)


def problem(
    status: int, *, slug: str, title: str, detail: str | None = None, extensions: Mapping[str, Any] | None = None
) -> Response:
    """A problem document of RFC 9457 for what is refused, which is counted; `type` is the stable slug."""
    metrics.REFUSALS.labels(slug).inc()
    return _document(status, slug=slug, title=title, detail=detail, extensions=extensions)


def _document(
    status: int, *, slug: str, title: str, detail: str | None, extensions: Mapping[str, Any] | None = None
) -> Response:
    body = {"type": slug, "title": title, "status": int(status), "detail": detail or title}
    body.update(extensions or {})
    text = present.application().json.dumps(body)
    response = Response(text, status=int(status), content_type="application/problem+json")
    if "retry_after" in body:
        response.headers["Retry-After"] = str(body["retry_after"])
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "2"
    return response


def problem_of_refusal(error: RefusalError) -> Response:
    """A refusal of ours, in the caller's language."""
    return problem(
        error.status,
        slug=error.slug,
        title=_title_of(type(error), caller_language()),  # type: ignore[arg-type]  # a class has a hash
        detail=None if error.detail is None else str(error.detail),
        extensions=error.extensions,
    )


# Kept, because translating one sentence costs a fifth of a refusal.
@lru_cache(maxsize=1_024)
def _title_of(kind: type[RefusalError], language: str) -> str:  # noqa: ARG001  `language` is what it is kept by
    return str(kind.title)


def problem_of_http(error: HTTPException) -> Response:
    """What Flask, Werkzeug and the schemas refuse."""
    if error.code == HTTPStatus.UNPROCESSABLE_ENTITY:
        return _problem_of_schema(error)
    status = HTTPStatus(error.code or 500)
    slug = SLUGS.get(status) or re.sub(r"[^a-z]+", "-", status.phrase.lower()).strip("-")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = gettext("A body may have %(most)s bytes here.", most=present.request().max_content_length)
    else:
        detail = translated(error.description or status.phrase)
    answer = problem(status, slug=slug, title=gettext(status.phrase), detail=detail)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after", "location"}:
            answer.headers[name] = value
    return answer


def _problem_of_schema(error: HTTPException) -> Response:
    messages = getattr(error, "data", {}).get("messages", {})
    flat = [{"field": path, "message": text} for path, text in wrong_fields(messages)]
    told = [f"{item['field']}: {item['message']}" for item in flat[:5]]
    if len(flat) == MOST_TOLD:
        told.append(gettext("At most %(most)s are named; there may be more.", most=MOST_TOLD))
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        slug="validation-failed",
        title=gettext("Some fields are missing or wrong."),
        detail="; ".join(told) or None,
        extensions={"errors": flat},
    )


def wrong_fields(messages: Any) -> list[tuple[str, str]]:
    """Fields that a schema refuses, MOST_TOLD at most, each with what is wrong with it in the caller's language."""
    return [(path, translated(text)) for path, text in islice(_flat(messages, ""), MOST_TOLD)]


def _flat(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            outer = not path and key in {"json", "query", "headers", "files", "form"}
            yield from _flat(value, "" if outer else f"{path}.{key}".lstrip("."))
    elif isinstance(messages, list):
        for item in messages:
            yield from _flat(item, path)
    else:
        yield path.replace("._schema", "").replace("_schema", "") or "body", str(messages)


def problem_of_error(error: Exception) -> ResponseReturnValue:
    """What nobody caught: PostgreSQL cannot serve now, or there is a bug of ours."""
    return _problem_of_database(error) if is_unavailable(error) else _problem_of_bug(error)


def _problem_of_database(error: Exception) -> Response:
    cause = unwrapped(error)
    said = str(cause).partition("\n")[0]
    _log.warning("database unavailable", error=said, sqlstate=getattr(cause, "sqlstate", None))
    return problem_of_refusal(UpstreamUnavailableError(retry_after=2))


def _problem_of_bug(error: Exception) -> ResponseReturnValue:
    # The caller learns the request's id, the log learns the rest. It is no refusal: what is refused as internal-error
    # are events of partners.
    _log.exception("unhandled error", error_type=type(error).__name__)
    return _document(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        slug="internal-error",
        title=gettext("Something went wrong on our side."),
        detail=gettext("Please tell us this number: %(id)s", id=request_id()),
    )


def _refuse_what_no_text_may_hold() -> ResponseReturnValue | None:
    # PostgreSQL's text holds no NUL: better one clear answer here than a 500 deep below.
    environ = present.request().environ
    path = environ.get("PATH_INFO", "")
    if "\x00" in path or "%00" in path or "%00" in environ.get("QUERY_STRING", ""):
        return problem(HTTPStatus.BAD_REQUEST, slug="bad-request", title=gettext("The address holds a NUL character."))
    return None


def locale() -> Locale:
    """The caller's language, as Babel's."""
    return _locale(caller_language())


def caller_language() -> str:
    """The caller's language, `en` or `zh_CN`: what `Accept-Language` prefers of them, else the city's."""
    said = present.request().environ.get("HTTP_ACCEPT_LANGUAGE", "") if has_request_context() else ""
    default = present.settings().default_locale
    return (_preferred(said) or default) if said else default


# Kept, because parsing costs a third of a small request.
@lru_cache(maxsize=1_024)
def _preferred(said: str) -> str | None:
    best = parse_accept_header(said, LanguageAccept).best_match(["zh", "zh-CN", "en"])
    return None if best is None else "en" if best == "en" else "zh_CN"


@cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)
