"""An example of a call as a line for the shell."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

SITE = "{site}"
"""Stands where a page puts its own address."""
TOKENS = {"resident": "$TOKEN", "admin": "$ADMIN_TOKEN"}


def line(path: str, *, method: str, caller: str, parameters: list[dict[str, Any]], body: dict[str, Any]) -> str:
    """A call with curl, over several lines; `parameters` and `body` are those of the description."""
    verb = "" if method == "get" else f"-X {method.upper()} "
    address = _address(path, parameters)
    # The address of the site needs no quotes, so only what comes after it decides.
    quoted = f"'{SITE}{address}'" if shlex.quote(address) != address else f"{SITE}{address}"
    return " \\\n  ".join([f"curl {verb}{quoted}", *_headers(caller, parameters), *_body(body)])


def _address(path: str, parameters: list[dict[str, Any]]) -> str:
    query = []
    for parameter in parameters:
        name, value = parameter["name"], parameter.get("example", "")
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", str(value))
        elif parameter["in"] == "query" and parameter.get("required"):
            query.append(f"{name}={value}")
    return f"{path}?{'&'.join(query)}" if query else path


def _headers(caller: str, parameters: list[dict[str, Any]]) -> Iterator[str]:
    if caller in TOKENS:
        yield f'-H "Authorization: Bearer {TOKENS[caller]}"'
    if caller == "partner":
        yield "-H 'X-Partner-Key: pk_city-bikes'"
    for parameter in parameters:
        if parameter["in"] == "header":
            header = f"{parameter['name']}: {parameter.get('example', '')}"
            yield f"-H {shlex.quote(header)}"


def _body(body: dict[str, Any]) -> Iterator[str]:
    content: dict[str, dict[str, Any]] = body.get("content", {})
    if not content:
        return
    kind, media = next(iter(content.items()))
    example = media.get("example")
    text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    yield f"-H 'Content-Type: {kind}'"
    yield f"--data-binary {shlex.quote(text)}" if isinstance(example, str) else f"-d {shlex.quote(text)}"
