"""The OpenAPI 3.1 description: what flask-smorest derives from the schemas, completed with what holds for all calls."""

import copy
import re
from typing import Any

from flask import Flask, current_app

from backend.errors import NotFoundError

COMMON = {
    "400": "The request cannot be read",
    "404": "There is no such thing",
    "422": "Some fields are missing or wrong; `errors` names each",
    "429": "Too many requests; see Retry-After",
    "503": "The database or a service that we depend on does not answer; see Retry-After",
}
WITH_CALLER = {"401": "No token, or not a valid one", "403": "You may not do this, or your account is frozen"}
WITH_BODY = {"413": "The body is too large", "415": "Send application/json"}
WITH_KEY = {"409": "The first request with this key is not answered yet, or the rules refuse it"}
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
METHODS = ("get", "post", "patch", "put", "delete")
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "A new one for each new request; the same key and body get the first answer again",
}


def describe(app: Flask) -> dict[str, Any]:
    """The whole description as a JSON document."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    document: dict[str, Any] = copy.deepcopy(api.spec.to_dict())
    document["info"]["description"] = "Citizen low-carbon points: actions, points, boards, rewards, totals."
    document["servers"] = [{"url": "/"}]
    components = document.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components.get("responses", {}).pop("DEFAULT_ERROR", None)
    for name in ("Error", "PaginationMetadata"):
        components.get("schemas", {}).pop(name, None)
    views = _callers(app)
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                _complete(item[method], method=method, caller=views[path, method])
    return document


def document() -> dict[str, Any]:
    """The description of the present application, made once."""
    known: dict[str, Any] | None = current_app.extensions.get("openapi")
    if known is None:
        known = current_app.extensions["openapi"] = describe(current_app)
    return known


def operation(operation_id: str) -> dict[str, Any]:
    """One call of the description; raises NotFoundError."""
    for item in document()["paths"].values():
        for method in METHODS:
            if item.get(method, {}).get("operationId") == operation_id:
                found: dict[str, Any] = item[method]
                return found
    raise NotFoundError(operation_id)


def _callers(app: Flask) -> dict[tuple[str, str], tuple[str, str]]:
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        path = ARGUMENT.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            found[path, method.lower()] = (getattr(view, "caller", "public"), rule.endpoint)
    return found


def _complete(call: dict[str, Any], *, method: str, caller: tuple[str, str]) -> None:
    kind, endpoint = caller
    call["operationId"] = endpoint.rsplit(".", 1)[-1]
    responses = call["responses"]
    responses.pop("default", None)
    wanted = dict(COMMON)
    if kind != "public":
        scheme = kind.split(":")[0]
        call["security"] = [{scheme: []}]
        call["x-callers"] = kind
        wanted |= WITH_CALLER
    if "requestBody" in call:
        wanted |= WITH_BODY
    if method == "post" and kind.startswith(("resident", "admin")):
        wanted |= WITH_KEY
        call.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    for status, text in wanted.items():
        responses.setdefault(status, _problem(text))
    for status, response in responses.items():
        if status.startswith(("4", "5")):
            responses[status] = _problem(response.get("description") or wanted.get(status, "Refused"))


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}
