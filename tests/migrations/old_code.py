"""The code as it was before the newest migration: what serves requests while that is applied."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]


def newest():
    """The newest migration."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return (script := ScriptDirectory.from_config(config)).get_revision(script.get_current_head())


def unpack(folder):
    """Put that code into a folder. Where the history is not at hand, the test that asks is skipped."""
    migration = newest()
    path = str(Path(migration.path).relative_to(ROOT))
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", path).decode().strip()
    # One that is not committed yet was written for the code that is.
    with tarfile.open(fileobj=io.BytesIO(_git("archive", f"{added}^" if added else "HEAD"))) as archive:
        archive.extractall(folder, filter="data")
    versions = {file.name[:4] for file in (folder / "migrations" / "versions").glob("*.py")}
    assert migration.down_revision in versions
    assert migration.revision not in versions


def _git(*arguments):
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the code from before the newest migration is in the project's history, which is not here")
    return done.stdout
