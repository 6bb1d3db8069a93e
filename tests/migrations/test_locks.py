"""What every migration may do to a table that is in use: squawk reads its SQL.

The first one makes tables that nobody uses yet. Exceptions stand in .squawk.toml, each with its reason.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.migrations.old_code import ROOT


def later_migrations():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return [each for each in ScriptDirectory.from_config(config).walk_revisions() if each.down_revision]


def lint(sql):
    """What squawk has against it."""
    squawk = Path(sys.executable).with_name("squawk")
    command = [squawk, "--reporter", "gcc", "--stdin-filepath", "migration.sql"]
    told = subprocess.run(
        command, cwd=ROOT, input=sql, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    assert told.returncode in {0, 1}, told.stderr
    return told.stdout.strip()


@pytest.mark.parametrize("migration", later_migrations(), ids=lambda migration: migration.revision)
def test_a_migration_takes_no_lock_that_requests_would_wait_for(migrated_app, migration):
    span = f"{migration.down_revision}:{migration.revision}"
    told = migrated_app.test_cli_runner().invoke(args=["db", "upgrade", span, "--sql"])
    assert told.exit_code == 0, told.output
    assert "SET lock_timeout" in told.stdout
    assert lint(told.stdout) == ""


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX actions_x_idx ON actions (co2e_mg);", "require-concurrent-index-creation"),
        ("ALTER TABLE actions ALTER COLUMN points TYPE integer;", "changing-column-type"),
        ("ALTER TABLE actions ADD CONSTRAINT x CHECK (points < 10);", "constraint-missing-not-valid"),
        ("ALTER TABLE wallets RENAME COLUMN balance TO points;", "renaming-column"),
        ("DROP TABLE lots;", "ban-drop-table"),
        ("ALTER TABLE wallets ADD COLUMN x bigint NOT NULL;", "adding-required-field"),
    ],
)
def test_what_would_hold_up_requests_is_found(statement, rule):
    assert rule in lint(f"SET lock_timeout = '1s';\nBEGIN;\n{statement}\nCOMMIT;\n")
