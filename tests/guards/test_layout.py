"""Rules about all source files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("backend", "tasks", "tests", "migrations") for path in (ROOT / top).rglob("*.py"))
PRODUCT = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"backend", "tasks"}]
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "misc.py", "common.py"}


def name(path):
    return str(path.relative_to(ROOT))


def test_there_are_sources_to_look_at():
    assert len(PRODUCT) > 50


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_file_is_longer_than_300_lines(path):
    generated = path.parent.name == "versions"
    assert generated or len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_functions_stay_short_and_import_nothing_inside(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef):
            continue
        assert node.end_lineno - node.lineno + 1 <= LONGEST_FUNCTION, f"{node.name} is too long"
        inside = [child for child in ast.walk(node) if isinstance(child, ast.Import | ast.ImportFrom)]
        assert not inside, f"{node.name} imports inside"


def test_only_commands_and_what_serves_are_imported_by_name():
    ways = ("import_module", "__import__", "resolve_name")
    places = {name(path) for path in PRODUCT if any(way in path.read_text() for way in ways)}
    assert places == {"backend/__init__.py", "backend/cli.py"}


def test_commit_stands_once():
    places = [
        name(path)
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]
    assert places == ["backend/database/session.py"]


def test_the_application_at_work_is_asked_for_in_one_place():
    assert {name(path) for path in PRODUCT if "current_app" in path.read_text()} == {"backend/present.py"}


def test_keys_are_derived_in_one_place_which_holds_their_purposes_apart():
    assert [name(path) for path in PRODUCT if "HKDF(" in path.read_text()] == ["backend/derived_keys.py"]


def test_no_file_is_a_bag_of_things():
    assert not [name(path) for path in SOURCES if path.name in FORBIDDEN_NAMES]


def test_no_chinese_stands_in_python_code():
    found = [name(path) for path in PRODUCT if any("\u4e00" <= c <= "\u9fff" for c in path.read_text())]
    assert not found
