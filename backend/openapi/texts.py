"""The sentences of the description that people read in the documentation, for the catalogue of translations."""

import json
from collections.abc import Iterator
from typing import IO, Any

from backend.openapi.describing import calls


def texts(description: dict[str, Any]) -> list[str]:
    """Every sentence once: of tags, calls, parameters and fields."""
    return list(dict.fromkeys(text for text in _texts(description) if text))


def extract(
    file: IO[bytes],
    keywords: Any,  # noqa: ARG001  Babel's signature
    comment_tags: Any,  # noqa: ARG001  Babel's signature
    options: Any,  # noqa: ARG001  Babel's signature
) -> Iterator[tuple[int, None, str, list[str]]]:
    """The sentences of docs/openapi.json as Babel wants them; see babel.cfg."""
    for text in texts(json.load(file)):
        yield 1, None, text, []


def _texts(description: dict[str, Any]) -> Iterator[str]:
    for tag in description["tags"]:
        yield tag["name"]
        yield tag.get("description", "")
    for path, _method, call in calls(description):
        yield call.get("summary", "")
        yield call.get("description", "")
        for parameter in (*description["paths"][path].get("parameters", ()), *call.get("parameters", ())):
            yield parameter.get("description", "")
    for schema in description["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            yield field.get("description", "")
