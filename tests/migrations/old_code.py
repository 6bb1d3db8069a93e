"""The code as it was before the newest migration: what serves requests while that is applied."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]
_NO_HISTORY = "the code from before the newest migration is in the project's history, which is not here"


def newest():
    """The newest migration."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return (script := ScriptDirectory.from_config(config)).get_revision(script.get_current_head())


def unpack(folder):
    """Put that code into a folder. Where the history is not at hand, the test that asks is skipped."""
    with tarfile.open(fileobj=io.BytesIO(_git("archive", _last_without(newest())))) as archive:
        archive.extractall(folder, filter="data")


def _last_without(migration):
    """The last commit that has all migrations but this one."""
    for commit in _git("rev-list", "--first-parent", "HEAD").decode().split():
        listed = _git("ls-tree", "--name-only", commit, "migrations/versions/").decode().split()
        versions = {Path(path).name[:4] for path in listed}
        if migration.down_revision in versions and migration.revision not in versions:
            return commit
    return pytest.skip(_NO_HISTORY)


def _git(*arguments):
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(_NO_HISTORY)
    return done.stdout
