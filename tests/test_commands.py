"""Commands as operators start them: what stops one is told in one sentence, and none makes up a site."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask.cli import FlaskGroup
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend import cli, create_app
from backend.backup.address import Address
from backend.database import connections, db, prepared_statements

ROOT = Path(__file__).parents[1]
FLASK = ("-m", "flask", "--app", "wsgi")
NOBODY_LISTENS = "postgresql+psycopg://tanhui:secret@127.0.0.1:9/tanhui"
OWN_NAME = "SELECT current_setting('application_name')"


@pytest.fixture
def run(tmp_path):
    """run(*words, **environment) → how Python ended, in a place where nobody has set anything."""
    bare = {name: text for name, text in os.environ.items() if name in {"PATH", "PYTHONPATH", "HOME"}}

    def start(*words, **environment):
        told = {**bare, "TANHUI_VAR": str(tmp_path / "var"), **environment}
        argv = [sys.executable, *words]
        return subprocess.run(argv, cwd=ROOT, env=told, capture_output=True, text=True, check=False)

    return start


@pytest.fixture
def away():
    """The environment of a site whose PostgreSQL is away."""
    secrets = {"SECRET_KEY": "k" * 32, "WECHAT_SECRET": "w"}
    return {"DATABASE_URL": NOBODY_LISTENS, "REDIS_URL": "redis://127.0.0.1:9/0", **secrets}


@pytest.mark.parametrize("words", [("verify",), ("backup", "make")], ids=" ".join)
def test_a_command_without_a_site_says_so_and_begins_none(run, tmp_path, words):
    done = run(*FLASK, *words)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith("Error: DATABASE_URL is not set")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("words", [("--help",), ("backup", "make", "--help")], ids=" ".join)
def test_what_a_command_does_is_told_without_a_site(run, tmp_path, words):
    done = run(*FLASK, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage:" in done.stdout
    assert not (tmp_path / "var").exists()


def asked_for(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["flask", "--app", "wsgi", *words])
    return cli.asked(FlaskGroup().make_context("flask", sys.argv[1:]))


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("prepare", "--no-simulate"), True),
        (("db", "upgrade"), True),
        (("backup", "restore", "x.dump"), True),
        (("admin", "list"), False),
        (("backup", "look-over", "restore"), False),
        (("backup", "make"), False),
        (("ingest", "prepare"), False),
        (("leaderboard", "rebuild"), False),
        (("resident", "erase", "1"), False),
        (("secrets", "reseal"), False),
        (("totals",), False),
        (("totals", "rebuild"), False),
        (("verify",), False),
    ],
    ids=str,
)
def test_only_a_few_commands_may_begin_a_site(monkeypatch, words, begins):
    assert asked_for(monkeypatch, *words) == (words[0], begins, False)


@pytest.mark.parametrize("program", ["flask", "celery", "gunicorn"])
def test_a_wrong_setting_ends_any_program_with_one_line_and_a_code_of_its_own(run, program):
    words = {
        "flask": (*FLASK, "verify"),
        "celery": ("-m", "celery", "-A", "tasks.app", "worker"),
        "gunicorn": ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"),
    }
    done = run(*words[program], DATABASE_URL="nonsense")
    assert done.returncode == os.EX_CONFIG
    assert done.stderr.startswith("Error: DATABASE_URL is not understood")
    assert len(done.stderr.splitlines()) == 1


def test_a_data_folder_that_cannot_be_used_does_too(run, tmp_path):
    (tmp_path / "var").touch()
    done = run(*FLASK, "prepare")
    assert (done.returncode, len(done.stderr.splitlines())) == (os.EX_CONFIG, 1)
    assert "set TANHUI_VAR to a folder that you own" in done.stderr


@pytest.mark.parametrize(
    "words", [("verify",), ("totals",), ("totals", "rebuild"), ("db", "upgrade"), ("backup", "make")], ids=" ".join
)
def test_a_database_that_is_away_is_told_in_one_sentence(run, away, words):
    done = run(*FLASK, *words, **away)
    assert done.returncode == 1
    assert done.stderr == (
        'Error: There is no connection to the database (connection failed: connection to server at "127.0.0.1", port 9'
        " failed: Connection refused): is its server up, and DATABASE_URL right?\n"
    )


def test_what_postgresql_itself_refuses_is_told_with_another_cure(app):
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 1"))
        with pytest.raises(OperationalError) as caught:
            connection.execute(text("SELECT pg_sleep(1)"))
    said = connections.told(caught.value)
    assert said.startswith("The database could not do it now (canceling statement due to statement timeout): see docs")


def test_postgresql_is_told_whose_each_connection_is(app, settings):
    made = create_app(settings, program="ingest", serves=False)
    with made.app_context():
        with db.engine.connect() as connection:
            assert connection.scalar(text(OWN_NAME)) == "tanhui ingest"
        with prepared_statements() as statements:
            assert statements.execute(OWN_NAME).fetchall() == [("tanhui ingest",)]
        for engine in db.engines.values():
            engine.dispose()
    made.extensions["redis"].close()
    with Address.of(settings.database_url).connect() as connection:
        assert connection.execute(OWN_NAME).fetchall() == [("tanhui backup",)]


def test_a_name_in_database_url_stands(settings):
    glue = "&" if "?" in settings.database_url else "?"
    connect = connections.creator(
        f"{settings.database_url}{glue}application_name=mine", program="web", answer_within_s=5
    )
    with connect() as connection:
        assert connection.execute(OWN_NAME).fetchall() == [("mine",)]
