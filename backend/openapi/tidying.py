"""Puts in order what the libraries derive: patterns, open answers, components that nothing uses."""

import re
from collections.abc import Iterator
from typing import Any

REFERENCE = "#/components/schemas/"


def tidy(description: dict[str, Any]) -> None:
    """Make the description plain JSON Schema that clients can be generated from."""
    schemas = description["components"]["schemas"]
    for node in _nodes(description):
        _tidy_node(node)
    sent = _reachable(
        [call.get("requestBody") for item in description["paths"].values() for call in _calls(item)], schemas
    )
    for name, schema in schemas.items():
        # What clients send holds no unknown field. What they get may hold more one day.
        if name not in sent and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
    used = _reachable([description["paths"], description["components"].get("responses")], schemas)
    description["components"]["schemas"] = {name: schemas[name] for name in sorted(used)}


def _tidy_node(node: dict[str, Any]) -> None:
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        # Python's match() is bound to the beginning, and its \Z is what others write as $.
        node["pattern"] = "^" + re.sub(r"\\Z", "$", pattern).removeprefix("^")
    if node.get("minLength") == 0:
        del node["minLength"]
    if isinstance(node.get("enum"), list) and "null" in _types(node) and None not in node["enum"]:
        node["enum"].append(None)


def _types(node: dict[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return kind if isinstance(kind, list) else [kind]


def _calls(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (call for call in item.values() if isinstance(call, dict))


def _reachable(roots: Any, schemas: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = list(_references(roots))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(part: Any) -> Iterator[str]:
    for node in _nodes(part):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(REFERENCE):
            yield reference.removeprefix(REFERENCE)


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from _nodes(value)
    elif isinstance(part, list):
        for value in part:
            yield from _nodes(value)
