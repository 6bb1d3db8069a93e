"""Who serves requests has the API, and who serves none does without; processes as operators start them."""

import subprocess
import sys
from pathlib import Path

import pytest

from backend import cli

ROOT = Path(__file__).parents[1]
COMMANDS = sorted({*cli.ON_A_READY_SITE, *cli.ON_ANY_SCHEMA} - cli.ABOUT_THE_API)
ONLY_FOR_COMMANDS = {"alembic", "celery", "flask_migrate", "mako", "backend.backup", "backend.preparation"}
ONLY_FOR_SERVING = {"backend.api", "backend.serving", "backend.openapi", "flask_smorest", "apispec", "webargs"}
_FLASK = """
import sys
from flask.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
_ANOTHER = """
import click
@click.command()
def serve():
    import wsgi
    print(*wsgi.app.url_map.iter_rules())
serve()
"""
_UNLOADABLE = """
import gc, os
os.environ["TRUSTED_PROXIES"] = "many"
try:
    import wsgi
except SystemExit:
    print(gc.isenabled())
"""
_WEB = "import sys, wsgi; print(*wsgi.app.url_map.iter_rules()); print(*sys.modules, file=sys.stderr)"
_JOBS = "import sys, tasks.app; print(*sys.modules, file=sys.stderr)"


@pytest.fixture
def loaded(app, environment):
    """Runs Python, and returns what it said and which modules it had loaded in the end."""

    def run(code, *arguments):
        argv = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout, set(done.stderr.split())

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_loads_nothing_that_only_serves_requests(loaded, name):
    said, modules = loaded(_FLASK, "--app", "wsgi", name, "--help")
    assert "Usage:" in said
    assert "backend.database" in modules
    assert not ONLY_FOR_SERVING & modules


def test_the_list_of_all_commands_takes_no_api(loaded):
    said, modules = loaded(_FLASK, "--app", "wsgi", "--help")
    assert {*COMMANDS, *cli.ABOUT_THE_API} <= set(said.split())
    assert not {"backend.api", "backend.serving"} & modules


def test_jobs_load_nothing_that_only_serves_requests(loaded):
    _, modules = loaded(_JOBS)
    assert "backend.database" in modules
    assert not ONLY_FOR_SERVING & modules


def test_flasks_own_commands_see_every_route(loaded):
    said, _ = loaded(_FLASK, "--app", "wsgi", "routes")
    assert "/api/v1/actions/batch" in said


def test_the_description_is_printed_with_every_call(loaded):
    said, _ = loaded(_FLASK, "--app", "wsgi", "openapi")
    assert said == (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")


def test_a_web_worker_has_every_route_and_nothing_that_only_commands_need(loaded):
    said, modules = loaded(_WEB)
    assert "/api/v1/actions/batch" in said
    assert "backend.api" in modules
    assert not ONLY_FOR_COMMANDS & modules


def test_another_program_that_is_made_with_click_gets_every_route(loaded):
    said, _ = loaded(_ANOTHER)
    assert "/api/v1/actions/batch" in said


def test_what_was_loaded_is_searched_no_more_and_what_comes_is(loaded):
    said, _ = loaded("import gc, wsgi; print(gc.isenabled(), gc.get_freeze_count() > 100_000)")
    assert said == "True True\n"


def test_the_collector_is_at_work_where_nothing_could_be_loaded(loaded):
    said, _ = loaded(_UNLOADABLE)
    assert said == "True\n"
