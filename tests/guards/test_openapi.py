"""Rules about the OpenAPI description: valid, whole, with examples, and kept current in the repository."""

import json
from collections import defaultdict
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis

from backend import openapi
from backend.console import pages
from backend.openapi import answers, links
from backend.openapi.describing import calls
from backend.web import refuses

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"
CURE = "docs/openapi.json is not current: run '.venv/bin/flask --app wsgi openapi --write' and commit it."


@pytest.fixture
def description(migrated_app):
    with migrated_app.app_context():
        return openapi.describe(migrated_app)


def named(description):
    return {f"{method} {path}": call for path, method, call in calls(description)}


def test_the_copy_in_the_repository_is_current(description):
    assert KEPT.exists(), CURE
    assert json.loads(KEPT.read_text()) == description, CURE


def test_it_is_valid_openapi_3_1(description):
    schemathesis.openapi.from_dict(description).validate()


def test_every_schema_is_valid_json_schema(description):
    for schema in description["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_call_has_an_id_one_tag_and_says_who_may_call_it(description):
    tags = {tag["name"] for tag in description["tags"]}
    schemes = set(description["components"]["securitySchemes"])
    for name, call in named(description).items():
        assert call["operationId"], name
        assert len(call["tags"]) == 1, name
        assert set(call["tags"]) <= tags, name
        assert all(set(needed) <= schemes for needed in call["security"]), name
        assert ("x-roles" in call) == (call["security"] == [{"admin": []}]), name


def test_no_component_is_unused(description):
    text = json.dumps(description)
    for kind in ("schemas", "responses"):
        for name in description["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, name
    used = {scheme for call in named(description).values() for needed in call["security"] for scheme in needed}
    assert used == set(description["components"]["securitySchemes"])


def test_every_refusal_names_its_slugs(description):
    known = {refusal.slug for refusal in answers.all_refusals()}
    for name, call in named(description).items():
        for status, response in call["responses"].items():
            if status.startswith("2"):
                continue
            shared = description["components"]["responses"]
            known_as = shared[response["$ref"].rsplit("/", 1)[-1]] if "$ref" in response else response
            schema = known_as["content"][answers.MEDIA_TYPE]["schema"]
            cure = f"{name} answers {status}, but with which slug? Add @refuses(ThatError, …) to its view."
            assert "allOf" in schema, cure
            assert set(schema["allOf"][1]["properties"]["type"]["enum"]) <= known, name


def test_every_slug_means_one_thing():
    described = [answers.Refusal.of(kind) for kind in answers.descendants()]
    meanings = {refusal.slug: {r.status for r in described if r.slug == refusal.slug} for refusal in described}
    assert not {slug for slug, statuses in meanings.items() if len(statuses) > 1}


def test_classes_of_one_slug_are_made_of_one_and_that_one_is_shown(app):
    roots = defaultdict(set)
    for kind in answers.descendants():
        roots[kind.slug].add([base for base in kind.__mro__ if getattr(base, "slug", None) == kind.slug][-1])
    several = {slug: kinds for slug, kinds in roots.items() if len(kinds) > 1}
    assert not several, "derive the special ones from the general one, which lies beside what all of them use"
    general = {slug: kind for slug, (kind,) in roots.items()}
    described = {refusal.slug: refusal for refusal in answers.all_refusals()}
    titles = pages.titles()
    assert titles.keys() == general.keys()
    for slug, kind in general.items():
        assert described[slug] == answers.Refusal.of(kind)
        assert titles[slug] is kind.title


def test_every_body_and_every_answer_has_an_example_that_keeps_to_its_schema(description):
    for name, call in named(description).items():
        media = list(call.get("requestBody", {}).get("content", {}).items())
        for status, response in call["responses"].items():
            if status.startswith("2") and status != "204":
                assert response.get("content"), f"{name} {status} has no content"
                media += response["content"].items()
        for kind, content in media:
            given = [content["example"]] if "example" in content else []
            given += [example["value"] for example in content.get("examples", {}).values()]
            assert given, f"{name} {kind} has no example"
            for example in given:
                check(example, schema=content["schema"], of=description, where=f"{name} {kind}")


def test_an_example_of_what_was_credited_does_not_say_why_it_was_refused(description):
    seen = 0
    for name, call in named(description).items():
        for one in objects(call["responses"]):
            if one.get("status") == "credited":
                assert not one.keys() & {"message", "reason"}, name
                seen += 1
    assert seen


def objects(part):
    """Every object in a part of the description."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from objects(inner)


def test_every_parameter_has_an_example_that_keeps_to_its_schema(description):
    for path, _method, call in calls(description):
        for parameter in (*call.get("parameters", []), *description["paths"][path].get("parameters", [])):
            check(parameter["example"], schema=parameter["schema"], of=description, where=f"{path} {parameter['name']}")


def test_a_declared_refusal_stands_in_the_description():
    @refuses(answers.ValidationFailedError)
    def view():
        pass

    call = {"responses": {}}
    answers.complete(call, path={}, kind="public", view=view)
    assert "validation-failed" in json.dumps(call["responses"]["422"])


def check(value, *, schema, of, where):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": of["components"]}
    errors = [
        f"{where}: {error.message}"
        for error in jsonschema_rs.validator_for(whole, validate_formats=True).iter_errors(value)
    ]
    assert not errors


def test_every_link_leads_to_a_call_by_what_the_answer_holds(description):
    known = {call["operationId"]: (path, call) for path, _method, call in calls(description)}
    linked = 0
    for name, call in named(description).items():
        for response in call["responses"].values():
            for link in response.get("links", {}).values():
                path, target = known[link["operationId"]]
                parameters = (*target.get("parameters", ()), *description["paths"][path].get("parameters", ()))
                taken = {parameter["name"] for parameter in parameters}
                assert link.get("parameters", {}).keys() <= taken, name
                assert ("requestBody" in link) <= ("requestBody" in target), name
                example = response["content"]["application/json"]["example"]
                for expression in (*link.get("parameters", {}).values(), *link.get("requestBody", {}).values()):
                    assert holds(expression, example=example, response=response, path=path), f"{name}: {expression}"
                linked += 1
    assert links.WAYS.keys() <= known.keys()
    assert linked == sum(len(way.calls) for ways in links.WAYS.values() for way in ways)


def holds(expression, *, example, response, path):
    """Whether an answer has what a link takes from it."""
    kind, _, name = expression.removeprefix("$").partition("#" if "#" in expression else ".")
    match kind:
        case "response.body":
            for part in name.strip("/").split("/"):
                example = example[int(part) if isinstance(example, list) else part]
            return example is not None
        case "response":
            return name.removeprefix("header.") in response["headers"]
        case "request":
            return f"{{{name.removeprefix('path.')}}}" in path
    return False
