"""Which migrations there are and which were applied, without Alembic: a web worker would carry it for this alone."""

import ast
import re
from functools import cache

from sqlalchemy import Connection, text

from backend.database import MIGRATIONS

_KNOWN = "SELECT to_regclass('alembic_version') IS NOT NULL"
_APPLIED = "SELECT version_num FROM alembic_version ORDER BY version_num"
_ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=(.+)$", re.MULTILINE)


def applied(connection: Connection) -> list[str]:
    """The revisions at which the database stands: one, or none where nothing was migrated."""
    if not connection.scalar(text(_KNOWN)):
        return []
    return list(connection.scalars(text(_APPLIED)))


@cache
def wanted() -> list[str]:
    """The newest revisions of the code: those that none builds on. They change with the code: read with it."""
    said = [_said(path.read_text(encoding="utf-8")) for path in (MIGRATIONS / "versions").glob("*.py")]
    below = {revision for _, built_on in said for revision in built_on}
    return sorted(revision for revision, _ in said if revision not in below)


def _said(source: str) -> tuple[str, tuple[str, ...]]:
    """A migration's revision, and those that it builds on."""
    assigned = {name: ast.literal_eval(value) for name, value in _ASSIGNED.findall(source)}
    below = assigned["down_revision"]
    return assigned["revision"], (below,) if isinstance(below, str) else below or ()
