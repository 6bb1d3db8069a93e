"""Asking the programs that will read our files what they think of them."""

import shutil
import subprocess

import pytest


def accepted(*command):
    """Whether a program is content; a machine without it cannot say, and the test is skipped."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return True
