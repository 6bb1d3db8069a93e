"""Commands against a database of another release: one that lacks a migration, one that a newer release migrated."""

import dataclasses

import pytest
from alembic.script import ScriptDirectory

from backend.database import MIGRATIONS, db, revisions

OLDER = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][1]
NEWER = "of a newer release"


@pytest.fixture
def invoke(app, monkeypatch):
    """invoke(*args) → what a command of a production site did."""
    settings = dataclasses.replace(app.extensions["settings"], tanhui_env="production")
    monkeypatch.setitem(app.extensions, "settings", settings)
    return lambda *args: app.test_cli_runner().invoke(args=args)


def test_without_a_migration_a_command_is_refused_with_the_cure(invoke, at_revision):
    at_revision(OLDER)
    result = invoke("verify")
    assert result.exit_code == 1
    assert "flask --app wsgi prepare --no-simulate" in result.output


def test_after_going_back_to_a_release_its_commands_work(invoke, at_revision):
    at_revision(NEWER)
    result = invoke("verify")
    assert (result.exit_code, "all agree" in result.output) == (0, True), result.output


def test_preparing_leaves_what_a_newer_release_migrated_and_says_so(invoke, at_revision):
    at_revision(NEWER)
    result = invoke("prepare", "--no-simulate")
    assert result.exit_code == 0, result.output
    assert NEWER in result.stderr
    with db.engine.connect() as connection:
        assert revisions.applied(connection) == [NEWER]
