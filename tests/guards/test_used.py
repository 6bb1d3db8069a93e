"""What only tests call is no part of the product: every public name of `backend` is used by the product itself."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    [path for top in ("backend", "tasks", "migrations") for path in (ROOT / top).rglob("*.py")]
    + [ROOT / "wsgi.py", ROOT / "gunicorn.conf.py"]
)
NAMED = re.compile(r"^(backend(?:\.\w+)+):(\w+)$")
"""How a command is named that is imported when it is asked for."""


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_registered(node):
    """Whether a decorator hands it to somebody who calls it: `@blueprint.get(…)`, `@group.command(…)`, `@app.task`."""
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in getattr(node, "decorator_list", ())]
    return any(isinstance(mark, ast.Attribute) for mark in marks)


def is_table(node):
    """Whether it is a table, which statements name as SQL does."""
    return "Model" in [base.id for base in getattr(node, "bases", ()) if isinstance(base, ast.Name)]


def names_of(node):
    """The public names that a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        names = [] if is_registered(node) or is_table(node) else [node.name]
    elif isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    elif isinstance(node, ast.AnnAssign):
        names = [node.target.id]
    else:
        names = []
    return [name for name in names if not name.startswith("_")]


def named_by(imported, module):
    """The module that an import is from; relative ones are among the modules of a package."""
    if not imported.level:
        return imported.module
    package = module if (ROOT / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]
    return f"{package}.{imported.module}" if imported.module else package


def uses_of(module, tree):
    """(module, name) of all that a module uses: of itself outside of where it is defined, and of others."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            source = named_by(node, module)
            for alias in node.names:
                yield source, alias.name
                known[alias.asname or alias.name] = f"{source}.{alias.name}"
    for statement in tree.body:
        own = names_of(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
                yield module, node.id
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                yield known[node.value.id], node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.match(node.value):
                yield NAMED.match(node.value).groups()


def unused(modules, *, named=()):
    """Public names of `backend` that none of the modules uses and nobody else has named, as (module, name)."""
    used = {use for module, tree in modules.items() for use in uses_of(module, tree)} | set(named)
    return {
        (module, name)
        for module, tree in modules.items()
        if module.split(".")[0] == "backend"
        for statement in tree.body
        for name in names_of(statement)
        if (module, name) not in used
    }


def test_every_public_name_is_used_by_the_product_itself():
    modules = {module_of(path): ast.parse(path.read_text()) for path in SOURCES}
    # Babel calls what its own file names.
    named = re.findall(r"(backend(?:\.\w+)+):(\w+)", (ROOT / "babel.cfg").read_text())
    assert unused(modules, named=named) == set()


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("from backend.a import wanted", False),
        ("from backend import a as b\nb.wanted()", False),
        ("COMMANDS = {'wanted': 'backend.a:wanted'}", False),
        ("wanted = 1\nprint(wanted, ''.wanted)", True),
        ("from backend.c import wanted", True),
    ],
)
def test_a_name_that_only_itself_and_its_namesakes_use_is_found(user, found):
    product = "def wanted():\n    return wanted()\n\n@blueprint.get('/x')\ndef route():\n    pass\n"
    modules = {"backend.a": ast.parse(product), "tasks.b": ast.parse(user)}
    assert (("backend.a", "wanted") in unused(modules)) is found
    assert ("backend.a", "route") not in unused(modules)
