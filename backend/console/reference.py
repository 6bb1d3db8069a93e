"""The OpenAPI description as the documentation shows it: calls by part, their fields as flat tables, examples."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.console import curl
from backend.openapi.describing import calls

DEEPEST = 5
"""Levels of nesting that a table of fields shows."""
RANGES = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))
TECHNICAL = 10**9
"""Bounds beyond this come from how a number is kept; readers need not hear of them."""


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a table: of a parameter, or of a field under its dotted path."""

    name: str
    kind: str
    limits: str
    required: bool
    text: str
    choices: tuple[str, ...] = ()
    place: str = "body"
    default: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status, and the slugs that stand with it."""

    status: int
    slugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """All that the documentation shows of one call."""

    id: str
    tag: str
    method: str
    path: str
    caller: str
    roles: tuple[str, ...]
    summary: str
    text: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    request_example: str
    curl: str
    status: int
    answer_kind: str
    answer_example: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The calls under one tag."""

    slug: str
    name: str
    text: str
    calls: tuple[Call, ...]


def parts(description: dict[str, Any]) -> list[Part]:
    """All calls by tag, those of admins last."""
    reader = _Reader(description)
    by_tag: defaultdict[str, list[Call]] = defaultdict(list)
    for path, method, call in calls(description):
        by_tag[call["tags"][0]].append(reader.call(path, method, call))
    found = [
        Part(slug_of(tag["name"]), tag["name"], tag.get("description", ""), tuple(by_tag[tag["name"]]))
        for tag in description["tags"]
        if tag["name"] in by_tag
    ]
    return sorted(found, key=lambda part: any(call.caller == "admin" for call in part.calls))


def slug_of(tag: str) -> str:
    """A tag's name as a part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-")


class _Reader:
    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description

    def call(self, path: str, method: str, call: dict[str, Any]) -> Call:
        parameters = [*self._description["paths"][path].get("parameters", []), *call.get("parameters", [])]
        _kind_sent, sent = _media(call.get("requestBody", {}))
        status = next(code for code in sorted(call["responses"]) if code.startswith("2"))
        answer_kind, got = _media(call["responses"][status])
        return Call(
            id=call["operationId"],
            tag=call["tags"][0],
            method=method.upper(),
            path=path,
            caller=_caller(call),
            roles=tuple(call.get("x-roles", ())),
            summary=call.get("summary", ""),
            text=call.get("description", ""),
            parameters=tuple(self._parameter(parameter) for parameter in parameters),
            body=tuple(self._fields(sent.get("schema", {}))),
            answer=tuple(self._fields(got.get("schema", {}))),
            request_example=_shown(_example(sent)),
            curl=curl.line(
                path, method=method, caller=_caller(call), parameters=parameters, body=call.get("requestBody", {})
            ),
            status=int(status),
            answer_kind=answer_kind,
            answer_example=_shown(_example(got)),
            refusals=tuple(self._refusals(call)),
        )

    def _parameter(self, parameter: dict[str, Any]) -> Field:
        schema = self._resolved(parameter["schema"])
        return _field(
            parameter["name"],
            schema,
            required=parameter.get("required", False),
            text=parameter.get("description", schema.get("description", "")),
            place=parameter["in"],
        )

    def _fields(self, schema: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Field]:
        schema = self._resolved(schema)
        if "items" in schema:
            yield from self._fields(schema["items"], f"{prefix}[]", depth)
            return
        needed = schema.get("required", ())
        for name, part in schema.get("properties", {}).items():
            known = self._resolved(part)
            path = f"{prefix}.{name}".lstrip(".")
            yield _field(path, known, required=name in needed, text=known.get("description", ""))
            if depth < DEEPEST:
                yield from self._fields(known, path, depth + 1)

    def _refusals(self, call: dict[str, Any]) -> Iterator[Refusal]:
        for status, response in sorted(call["responses"].items()):
            if not status.startswith(("4", "5")):
                continue
            known = response
            if "$ref" in response:
                known = self._description["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]
            _kind, media = _media(known)
            parts_ = media.get("schema", {}).get("allOf", [{}])
            yield Refusal(int(status), tuple(parts_[-1].get("properties", {}).get("type", {}).get("enum", ())))

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        own = {key: part for key, part in schema.items() if key not in {"$ref", "allOf", "anyOf", "oneOf"}}
        merged: dict[str, Any] = {}
        if "$ref" in schema:
            merged = self._resolved(self._description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
        for part in [*schema.get("allOf", []), *(schema.get("anyOf") or schema.get("oneOf") or [])[:1]]:
            merged = {**merged, **self._resolved(part)}
        return {**merged, **own}


def _field(name: str, schema: dict[str, Any], *, required: bool, text: str, place: str = "body") -> Field:
    choices = tuple(str(choice) for choice in schema.get("enum", ()) if choice is not None)
    default = schema.get("default")
    return Field(
        name=name,
        kind=_kind(schema),
        limits=", ".join(_limits(schema)),
        required=required,
        text=text,
        choices=choices,
        place=place,
        default="" if default in (None, "") else json.dumps(default, ensure_ascii=False),
    )


def _kind(schema: dict[str, Any]) -> str:
    kinds = schema.get("type", "object" if "properties" in schema else "any")
    kinds = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    if schema.get("format") in {"date-time", "date"}:
        return str(schema["format"])
    return str(kinds[0]) if kinds else "null"


def _limits(schema: dict[str, Any]) -> Iterator[str]:
    for least, most in RANGES:
        low, high = schema.get(least), schema.get(most)
        low = low if isinstance(low, int | float) and abs(low) < TECHNICAL and (low or most == "maximum") else None
        high = high if isinstance(high, int | float) and abs(high) < TECHNICAL else None
        if low is not None and high is not None:
            yield f"{low}–{high}"
        elif low is not None or high is not None:
            yield f"≥ {low}" if high is None else f"≤ {high}"
    if schema.get("exclusiveMaximum", TECHNICAL) < TECHNICAL:
        yield f"< {schema['exclusiveMaximum']}"
    if isinstance(schema.get("type"), list) and "null" in schema["type"]:
        yield "null"


def _caller(call: dict[str, Any]) -> str:
    return next((kind for needed in call["security"] for kind in needed), "public")


def _media(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind, media = next(iter(body.get("content", {}).items()), ("", {}))
    return kind, media


def _example(media: dict[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    return next((example["value"] for example in media.get("examples", {}).values()), None)


def _shown(example: Any) -> str:
    if example is None or isinstance(example, str):
        return example or ""
    return json.dumps(example, indent=2, ensure_ascii=False)
