"""Which migrations there are and which were applied, without Alembic: a web worker would carry it for this alone."""

import ast
import re
from functools import cache
from typing import Literal

from sqlalchemy import Connection, text

from backend.database.session import MIGRATIONS

Standing = Literal["current", "behind", "ahead"]
"""Of a database, against the code. One that is ahead was migrated by a newer release: migrations add before they take
away, so the release before it serves it too, until it is replaced or when one goes back to it."""
_KNOWN = "SELECT to_regclass('alembic_version') IS NOT NULL"
_APPLIED = "SELECT version_num FROM alembic_version ORDER BY version_num"
_ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.+)$", re.MULTILINE)


def standing(applied: list[str]) -> Standing:
    """Where a database at these revisions stands."""
    if applied == wanted():
        return "current"
    return "behind" if _built_on().keys() >= set(applied) else "ahead"


def applied(connection: Connection) -> list[str]:
    """The revisions at which the database stands: one, or none where nothing was migrated."""
    if not connection.scalar(text(_KNOWN)):
        return []
    return list(connection.scalars(text(_APPLIED)))


@cache
def wanted() -> list[str]:
    """The newest revisions of the code: those that none builds on."""
    below = {revision for built_on in _built_on().values() for revision in built_on}
    return sorted(_built_on().keys() - below)


@cache
def _built_on() -> dict[str, tuple[str, ...]]:
    """Every revision of the code, and those that it builds on. They change with the code: read with it."""
    return dict(_said(path.read_text(encoding="utf-8")) for path in (MIGRATIONS / "versions").glob("*.py"))


def _said(source: str) -> tuple[str, tuple[str, ...]]:
    assigned = {name: ast.literal_eval(value) for name, value in _ASSIGNED.findall(source)}
    below = assigned["down_revision"]
    return assigned["revision"], (below,) if isinstance(below, str) else below or ()
