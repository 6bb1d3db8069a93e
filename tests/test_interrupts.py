"""Ctrl-C in the midst of a transaction is what it is: no error of PostgreSQL's, and nothing is committed by halves."""

import json
import subprocess
import sys

import pytest
from sqlalchemy import text

from backend.database import db, transaction
from tests.interrupted import TIMES


def test_an_interrupt_is_told_as_one(app, environment):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.interrupted"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["ended"].keys() <= {"interrupted", "not interrupted"}
    assert told["ended"]["interrupted"] > TIMES
    assert not told["silent"]


def test_what_was_not_committed_is_taken_back(app):
    def interrupted():
        with transaction():
            db.session.execute(text("UPDATE catalogue_revision SET revision = revision + 1000"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert db.session.scalar(text("SELECT revision FROM catalogue_revision")) < 1000
