"""Makes the description of an application."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask

from backend import present
from backend.errors import NotFoundError
from backend.openapi import answers, examples, links, parameters, tidying

METHODS = ("get", "post", "patch", "put", "delete")
ABOUT = """The backend of a city's citizen low-carbon points programme. Residents record green actions, \
see every gram explained, collect points, climb boards and redeem gifts; partners send trips and drop-offs; the city \
publishes what it can prove."""
SCHEMES: dict[str, dict[str, str]] = {
    "resident": {"type": "http", "scheme": "bearer", "description": "Token of POST /auth/wechat"},
    "admin": {"type": "http", "scheme": "bearer", "description": "Token of POST /admin/auth"},
    "partner": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Partner-Key",
        "description": "With X-Timestamp, X-Nonce and X-Signature",
    },
}
ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def describe(app: Flask) -> dict[str, Any]:
    """The whole description as a JSON document."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    made: dict[str, Any] = copy.deepcopy(api.spec.to_dict())
    made["info"] |= {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    made["servers"] = [{"url": "/"}]
    made["components"]["securitySchemes"] = copy.deepcopy(SCHEMES)
    views = _views(app)
    for path, method, call in calls(made):
        _complete(call, path=made["paths"][path], method=method, view=views[path, method])
    answers.share(made)
    tidying.tidy(made)
    examples.add(made)
    return made


def calls(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of every call of a description."""
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def document() -> dict[str, Any]:
    """The description of the present application, made once."""
    return present.made_once("openapi", lambda: describe(present.application()))


def operation(operation_id: str) -> dict[str, Any]:
    """One call of the description; raises NotFoundError."""
    for _path, _method, call in calls(document()):
        if call["operationId"] == operation_id:
            return call
    raise NotFoundError


def _views(app: Flask) -> dict[tuple[str, str], tuple[str, Any]]:
    return {
        (ARGUMENT.sub(r"{\1}", rule.rule), method.lower()): (rule.endpoint, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def _complete(call: dict[str, Any], *, path: dict[str, Any], method: str, view: tuple[str, Any]) -> None:
    endpoint, function = view
    kind, _, roles = getattr(function, "caller", "public").partition(":")
    if "description" in call:
        # A docstring's lines end where the code's do.
        call["description"] = "\n\n".join(" ".join(part.split()) for part in call["description"].split("\n\n"))
    call["operationId"] = endpoint.rsplit(".", 1)[-1]
    call["security"] = [] if kind == "public" else [{kind: []}]
    if roles:
        # An auditor may read everything, without being named.
        readers = {"auditor"} if method == "get" else set()
        call["x-roles"] = sorted({*roles.split(","), *readers})
    parameters.complete(call, path=path, kind=kind, view=function)
    answers.complete(call, path=path, kind=kind, view=function)
    links.add(call)
