"""What a refusal says can be said in every language: no sentence stands as a bare literal."""

import ast
from itertools import chain
from pathlib import Path

import pytest
from marshmallow import Schema, fields, validate

from backend.openapi import answers
from tests import translating

ROOT = Path(__file__).parents[2]
CURE = "say it with gettext or _l, or let the title of the refusal say it"
MARK = "mark it with N_ of backend.web.library_messages, which translates what a schema says"


def said(call, scope):
    """What the caller reads of this refusal: its detail, and the message of each wrong field."""
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in {"detail", "errors"})]
    for node in chain.from_iterable(map(ast.walk, given)):
        if isinstance(node, ast.Dict):
            named = zip(node.keys, node.values, strict=True)
            yield from (value for key, value in named if getattr(key, "value", None) != "field")
    for node in given:
        if isinstance(node, ast.Name):
            yield from (
                one.value
                for one in ast.walk(scope)
                if isinstance(one, ast.Assign) and ast.dump(one.targets[0]) == ast.dump(ast.Name(node.id, ast.Store()))
            )
        yield node


def untranslatable(source, *, refusals):
    """The lines of a source where a refusal says a bare literal."""
    for scope in ast.walk(ast.parse(source)):
        if not isinstance(scope, ast.FunctionDef):
            continue
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and set(ast.unparse(call.func).split(".")) & refusals:
                for node in said(call, scope):
                    literal = isinstance(node, ast.Constant) and isinstance(node.value, str)
                    if literal or isinstance(node, ast.JoinedStr):
                        yield node.lineno


def names():
    return {kind.__name__ for kind in answers.descendants()} | {"ValidationError"}


def test_no_refusal_says_a_bare_literal(app):
    known = names()
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "backend").rglob("*.py"))
        for line in untranslatable(path.read_text(encoding="utf-8"), refusals=known)
    ]
    assert not found, CURE


@pytest.mark.parametrize(
    "body",
    [
        'raise NotFoundError("task")',
        'raise NotFoundError(f"task {code!r}")',
        'raise errors.NotFoundError(detail="task")',
        'raise ValidationFailedError(errors=[{"field": "task", "message": "unknown"}])',
        'raise ValidationFailedError.of({"task": f"unknown {code}"})',
        'message = "unknown"; raise ValidationFailedError(message, status_now="x")',
        'raise ValidationError("Too large.")',
    ],
)
def test_a_bare_literal_is_found(app, body):
    assert set(untranslatable(f"def view(code): {body}", refusals=names())) == {1}


@pytest.mark.parametrize(
    "body",
    [
        "raise NotFoundError",
        'raise NotFoundError(_l("There is no task %(code)s.", code=code))',
        'raise ValidationFailedError.of({"task": gettext("There is no such task.")})',
        'raise ValidationFailedError(gettext("No."), errors=[{"field": "task", "message": message}], reason="x")',
    ],
)
def test_what_can_be_translated_is_let_be(app, body):
    assert not set(untranslatable(f"def view(code): {body}", refusals=names()))


def validators():
    """Every validator of every field of our schemas."""
    for schema in descendants(Schema):
        if schema.__module__.startswith("backend."):
            for field in schema().declared_fields.values():
                yield from field.validators
                yield from field.inner.validators if isinstance(field, fields.List) else ()


def descendants(kind):
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_what_a_validator_says_stands_in_the_catalogue(app):
    told = {
        validator.error or getattr(validator, "default_message", None)
        for validator in validators()
        if isinstance(validator, validate.Validator)
    } - {None}
    assert "Give a phone number." in told
    catalogue = {message.id for message in translating.kept()}
    unknown = {text for text in told if text.replace("{choices}", "%(choices)s") not in catalogue}
    assert not unknown, MARK
