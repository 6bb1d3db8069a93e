"""Pages for people: the front page and the documentation, in the language that the reader prefers."""

import re
from html import escape
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, send_from_directory
from flask_babel import force_locale, get_locale, gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from backend import openapi, present
from backend.console import reference
from backend.errors import NotFoundError
from backend.openapi import answers
from backend.web import caller
from backend.web.application import SMALL_BODY

STATIC = Path(__file__).with_name("static")
LANGUAGES = {"zh": "zh_CN", "en": "en"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FRESH_S = 300

blueprint = Blueprint("pages", __name__, template_folder="templates")


@blueprint.get("/")
@caller("public")
def front() -> Response:
    """What this is, and where to go."""
    return _page("console/front.html")


@blueprint.get("/docs")
@caller("public")
def start() -> Response:
    """How to use the API, and all its calls."""
    return _page(
        "console/start.html", parts=_parts(), refusals=answers.all_refusals(), titles=titles(), small=SMALL_BODY
    )


@blueprint.get("/docs/<part>")
@caller("public")
def part(part: str) -> Response:
    """The calls of one part of the API; raises NotFoundError."""
    known = _parts()
    shown = next((candidate for candidate in known if candidate.slug == part), None)
    if shown is None:
        raise NotFoundError
    return _page("console/part.html", parts=known, part=shown, titles=titles())


@blueprint.get("/docs/static/<path:name>")
@caller("public")
def static(name: str) -> Response:
    """The documentation's own style and script."""
    return send_from_directory(STATIC, name, max_age=FRESH_S)


@blueprint.app_template_filter("marked")
def marked(text: str) -> Markup:
    """A line of plain text, with `code` as HTML."""
    safe = escape(str(text), quote=False)
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", safe))  # noqa: S704  escaped above


@blueprint.app_template_filter("prose")
def prose(text: str) -> Markup:
    """Paragraphs of a plain text as HTML."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip())
    return Markup("").join(Markup("<p>{}</p>").format(marked(paragraph)) for paragraph in paragraphs)


@blueprint.app_template_filter("breakable")
def breakable(name: str) -> Markup:
    """A path or a dotted name that may wrap after its separators."""
    return Markup(re.sub(r"([/._])", r"\1<wbr>", escape(name)))  # noqa: S704  escaped on this line


@blueprint.app_template_filter("said")
def said(text: str) -> str:
    """A text of the description in the reader's language, as far as it is translated."""
    return str(gettext(text)) if text else ""


def _page(template: str, **values: Any) -> Response:
    with force_locale(LANGUAGES.get(request.args.get("lang", "")) or get_locale()):
        language = get_locale().language
        html = render_template(template, language=language, site=request.url_root.rstrip("/"), **values)
    response = make_response(html)
    response.content_language = [language]
    response.vary.add("Accept-Language")
    response.cache_control.max_age = FRESH_S
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _parts() -> list[reference.Part]:
    return present.made_once("documentation", lambda: reference.parts(openapi.document()))


def titles() -> dict[str, str | LazyString]:
    """Each slug with the sentence that residents read, in the language that is in force when it is shown."""
    found: dict[str, str | LazyString] = {}
    for error in answers.descendants():
        # Of several classes with one slug, the general one comes before those that are made of it.
        found.setdefault(error.slug, error.title)
    return found
