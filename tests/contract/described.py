"""The description as the repository keeps it, and whether an answer keeps to it."""

import copy
import json
import re
from functools import cache
from pathlib import Path

import jsonschema_rs

from backend.openapi.describing import calls

KEPT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())


def closed(description):
    """The description, with answers that may hold nothing but what it names."""
    strict = copy.deepcopy(description)
    for name, schema in strict["components"]["schemas"].items():
        if schema.get("type") == "object" and "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    return strict


STRICT = closed(KEPT)
FOUND = [
    (re.compile(re.sub(r"{\w+}", "[^/]+", path) + "$"), path, method, call) for path, method, call in calls(STRICT)
]


def operation_of(method, path):
    """The call that an address stands for; an address without places wins."""
    matching = [
        (described, call)
        for pattern, described, verb, call in FOUND
        if verb == method.lower() and pattern.match(path.partition("?")[0])
    ]
    assert matching, f"{method} {path} is not described"
    return min(matching, key=lambda match: match[0].count("{"))[1]


def assert_described(answer, *, method, path):
    """Fail unless the description allows this status with this body and these headers."""
    response = operation_of(method, path)["responses"].get(str(answer.status_code))
    assert response, f"{method} {path} answers {answer.status_code}: {answer.text}"
    if "$ref" in response:
        response = STRICT["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]
    assert set(response.get("headers", ())) <= set(answer.headers.keys()), f"{method} {path}"
    content = response.get("content")
    if not content:
        assert not answer.data
        return
    assert answer.mimetype in content
    wanted = _validator(json.dumps(content[answer.mimetype]["schema"]))
    errors = [f"{error.instance_path}: {error.message}" for error in wanted.iter_errors(answer.json)]
    assert not errors, f"{method} {path}: {answer.text}"


@cache
def _validator(schema):
    """A validator of a schema given as JSON: it reads all components, which takes longer than an answer does."""
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **json.loads(schema),
        "components": STRICT["components"],
    }
    return jsonschema_rs.validator_for(whole)
