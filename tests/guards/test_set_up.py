"""`make setup` goes by what the lock file says, whatever its time."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONG_AGO = 1_000_000_000


@pytest.fixture
def steps(tmp_path):
    """steps() → what `make setup` would run in a copy of the project that has nothing but what it goes by."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def told():
        # Without what the `make test` that runs this hands on.
        environment = {"PATH": os.environ["PATH"]}
        run = subprocess.run(
            ["make", "-n", "setup"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return run.stdout

    return told


def test_another_lock_file_is_another_set_up_also_where_it_is_the_older_one(steps, tmp_path):
    first = steps()
    assert "pip install" in first
    (tmp_path / ".venv").mkdir()
    (tmp_path / re.search(r"touch (\S+)", first)[1]).touch()
    assert "pip install" not in steps()
    lock = tmp_path / "requirements.lock"
    released = lock.read_text()
    lock.write_text(released + "# the next release\n")
    os.utime(lock, (LONG_AGO, LONG_AGO))
    assert "pip install" in steps()
    lock.write_text(released)
    assert "pip install" not in steps()
