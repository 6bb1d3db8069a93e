"""Which migrations there are and which were applied, without Alembic: a web worker would carry it for this alone."""

import ast
from functools import cache

from sqlalchemy import Connection, text

from backend.database import MIGRATIONS

_KNOWN = "SELECT to_regclass('alembic_version') IS NOT NULL"
_APPLIED = "SELECT version_num FROM alembic_version ORDER BY version_num"


def applied(connection: Connection) -> list[str]:
    """The revisions at which the database stands: one, or none where nothing was migrated."""
    if not connection.scalar(text(_KNOWN)):
        return []
    return list(connection.scalars(text(_APPLIED)))


@cache
def wanted() -> list[str]:
    """The newest revisions of the code: those that none builds on. They change with the code, so with the process."""
    revisions: set[str] = set()
    built_on: set[str] = set()
    for path in (MIGRATIONS / "versions").glob("*.py"):
        said = _assigned(path.read_text(encoding="utf-8"))
        revisions.add(said["revision"])
        below = said["down_revision"]
        built_on.update([below] if isinstance(below, str) else below or ())
    return sorted(revisions - built_on)


def _assigned(source: str) -> dict[str, str | tuple[str, ...] | None]:
    """What a migration says of itself at its top."""
    said = {}
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"}:
            said[target.id] = ast.literal_eval(node.value)
    return said
