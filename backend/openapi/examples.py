"""An example for every request and every answer, made from the schemas.

A field's own example comes first, then what its name usually holds (examples.json), then something of its type.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

KNOWN: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text())
BY_FORMAT: Final = {
    "date-time": "2026-11-24T08:00:00Z",
    "date": "2026-11-24",
    "uri": "https://city.example/",
    "url": "https://city.example/",
    "email": "wang.li@city.example",
    "uuid": "3f6c2f6e-5d0b-4c39-9a7e-1f0c8f2b7d51",
}
BY_NAME: Final = {"_at": BY_FORMAT["date-time"], "_on": BY_FORMAT["date"], "_url": BY_FORMAT["uri"]}
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
UNSAID: Final = {"credited": {"message", "reason"}}
"""Status → what is not said of anything that has it: why it was refused."""
DEEPEST = 6
"""Levels of nesting that an example shows."""


def add(description: dict[str, Any]) -> None:
    """Give every request body, every successful JSON answer and every parameter of a description its example."""
    schemas = description["components"]["schemas"]
    sent, got = _Maker(schemas, complete=False), _Maker(schemas, complete=True)
    for item in description["paths"].values():
        _add_to_parameters(sent, item.get("parameters", []))
        for call in item.values():
            if isinstance(call, dict):
                _add_to_parameters(sent, call.get("parameters", []))
                _add_to_media(call.get("requestBody", {}), sent)
                for status, response in call["responses"].items():
                    if status.startswith("2"):
                        _add_to_media(response, got)


def _add_to_media(body: dict[str, Any], maker: "_Maker") -> None:
    for media in body.get("content", {}).values():
        if not media.keys() & {"example", "examples"} and "schema" in media:
            media["example"] = maker.value(media["schema"], name="")


def _add_to_parameters(maker: "_Maker", parameters: list[dict[str, Any]]) -> None:
    for parameter in parameters:
        if not parameter.keys() & {"example", "examples"}:
            parameter["example"] = maker.value(parameter["schema"], name=parameter["name"])


class _Maker:
    """Makes examples: complete ones, or with what must be there and what has an example of its own."""

    def __init__(self, schemas: dict[str, Any], *, complete: bool) -> None:
        self._schemas = schemas
        self._complete = complete

    def value(self, schema: dict[str, Any], *, name: str, depth: int = 0) -> Any:
        schema = self._resolved(schema)
        for given in _candidates(schema, name):
            if fits(given, schema):
                return given
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, depth=depth)
        if kind == "array":
            items = schema.get("items", {})
            return [] if depth >= DEEPEST else [self.value(items, name=name.removesuffix("s"), depth=depth + 1)]
        return _plain(schema, kind)

    def _object(self, schema: dict[str, Any], *, depth: int) -> dict[str, Any]:
        if depth >= DEEPEST:
            return {}
        needed = set(schema.get("required", ()))
        shown = {
            name: part
            for name, part in schema.get("properties", {}).items()
            if self._complete or name in needed or "example" in self._resolved(part)
        }
        if not shown and not self._complete:
            shown = dict(list(schema.get("properties", {}).items())[:1])
        made = {name: self.value(part, name=name, depth=depth + 1) for name, part in shown.items()}
        unsaid = UNSAID.get(str(made.get("status")), set()) - needed
        return {name: value for name, value in made.items() if name not in unsaid}

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema with its references followed and the first of its alternatives taken."""
        own = {key: part for key, part in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf"}}
        if "$ref" in schema:
            return {**self._resolved(self._schemas[schema["$ref"].rsplit("/", 1)[-1]]), **own}
        parts = [*schema.get("allOf", []), *(schema.get("anyOf") or schema.get("oneOf") or [])[:1]]
        merged: dict[str, Any] = {}
        for part in parts:
            merged |= self._resolved(part)
        return {**merged, **own}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a plain value keeps to a schema's type, choices and bounds."""
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if isinstance(value, bool) and "boolean" not in kinds:
        return False
    if not kinds or not any(isinstance(value, TYPES[kind]) for kind in kinds):
        return False
    return _fits_text(value, schema) if isinstance(value, str) else _fits_number(value, schema)


def _fits_text(value: str, schema: dict[str, Any]) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return False
    form = BY_FORMAT.get(schema.get("format", ""))
    same_form = form is None or re.sub(r"\d", "0", form[:11]) == re.sub(r"\d", "0", value[:11])
    return same_form and re.search(schema.get("pattern", ""), value) is not None


def _fits_number(value: Any, schema: dict[str, Any]) -> bool:
    if not isinstance(value, int | float):
        return True
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _candidates(schema: dict[str, Any], name: str) -> list[Any]:
    found = [schema["example"]] if "example" in schema else []
    found += schema.get("examples", [])[:1]
    found += [KNOWN[name]] if name in KNOWN and "properties" not in schema else []
    found += [choice for choice in schema.get("enum", []) if choice is not None][:1]
    found += [schema["default"]] if schema.get("default") is not None else []
    return found + [text for ending, text in BY_NAME.items() if name.endswith(ending)]


def _type(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kinds, list):
        return next((str(kind) for kind in kinds if kind != "null"), "null")
    return str(kinds)


def _plain(schema: dict[str, Any], kind: str) -> Any:
    if kind == "boolean":
        return True
    if kind in {"integer", "number"}:
        return max(1, schema.get("minimum", 1)) if schema.get("maximum", 1) >= 1 else schema["maximum"]
    if kind == "null":
        return None
    text = BY_FORMAT.get(schema.get("format", ""), "text")
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "x")
