"""What the documents name exists, and what exists is in them."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from backend import metrics
from backend.config import Settings
from backend.verification import naming

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
FAULTS = ROOT / "docs" / "faults.md"
RULES = ROOT / "deploy" / "prometheus" / "tanhui.rules.yml"
DOCUMENTS = [
    *(path for path in ROOT.glob("*.md") if path.name != "CHANGELOG.md"),
    *(path for path in (ROOT / "docs").glob("*.md")),
]
DEPLOYED = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
SOURCES = [*(ROOT / "backend").rglob("*.py"), *(ROOT / "tasks").rglob("*.py"), ROOT / "gunicorn.conf.py"]
METRIC = re.compile(r"\btanhui_[a-z_]+\b")
NO_METRICS = {"tanhui_restoring", "tanhui_before_"}
SUFFIXES = ("_bucket", "_count", "_sum", "_total")
# Read by other programs than the application itself.
BESIDES = re.compile(r"(?:environ|environment)(?:\.get\(|\.setdefault\(|\[)\s*\"([A-Z_]+)\"")
NO_SETTINGS = {
    "TANHUI_DURABILITY": "for tests only: a site without fsync loses what it acknowledged",
}
SECRET_ARGUMENT = re.compile(
    r"redis-cli[^`|\n]* (?:-u|-a|--pass)\b|curl[^`|\n]* (?:(?:-u|--user)\b|-H [\"']Authorization: )"
    r"|psql[^`|\n]*(?: PASSWORD '|://[^/@\s]*:[^/@\s]+@)"
)
OF_A_REQUEST = re.compile(r"CONTENT_LENGTH|CONTENT_TYPE|PATH_INFO|QUERY_STRING|REQUEST_METHOD|HTTP_[A-Z_]+")
"""Names of WSGI's environ."""


def name(path):
    return str(path.relative_to(ROOT))


def variables_of_the_code():
    of_settings = {field.name.upper() for field in fields(Settings)}
    besides = {found for path in SOURCES for found in BESIDES.findall(path.read_text())}
    return {name for name in of_settings | besides if not OF_A_REQUEST.fullmatch(name)} - NO_SETTINGS.keys()


def variables_of_the_table():
    section = OPERATIONS.read_text().split("## Settings", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {variable for row in rows for variable in re.findall(r"`([A-Z_]+)`", row)}


def test_every_setting_is_in_the_table_and_every_row_is_a_setting():
    assert variables_of_the_table() == variables_of_the_code()


@pytest.mark.parametrize("setting", [field.name for field in fields(Settings)])
def test_every_setting_sets_something(setting):
    asked = re.compile(rf"\.{setting}\b")
    assert any(asked.search(path.read_text()) for path in SOURCES)


def test_every_variable_of_the_example_is_a_setting():
    example = (ROOT / "deploy" / "tanhui.env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) <= variables_of_the_code()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_make_target_that_a_document_names_exists(path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    # As code: after a backtick, at the start of a line of a block, or after another command.
    named = set(re.findall(r"(?:`|^    |^|&& )make ([a-z]+)(?=[\s`])(?! that)", path.read_text(), re.MULTILINE))
    assert named <= targets


def commands_of(group, prefix=""):
    """All commands below a group, `leaderboard rebuild` for one."""
    context = click.Context(group)
    for word in group.list_commands(context):
        yield f"{prefix}{word}"
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{prefix}{word} ")


@pytest.mark.parametrize("path", [*DOCUMENTS, *DEPLOYED], ids=name)
def test_every_flask_command_that_is_named_exists(app, path):
    known = set(commands_of(app.cli))
    groups = {command.split()[0] for command in known if " " in command}
    for words in re.findall(r"(?:flask --app wsgi|tanhui-cli) ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", path.read_text()):
        first = words.split()[0]
        assert (words if first in groups else first) in known, words


@pytest.mark.parametrize("path", [OPERATIONS, *DEPLOYED], ids=name)
def test_every_metric_that_is_named_is_exposed(path):
    collectors = [found for found in vars(metrics).values() if isinstance(found, MetricWrapperBase)]
    known = {metric.name for collector in collectors for metric in collector.describe()}
    assert len(known) > 8
    for found in set(METRIC.findall(path.read_text())):
        if not any(found.startswith(other) for other in NO_METRICS):
            assert found in known or any(found.removesuffix(suffix) in known for suffix in SUFFIXES), found


@pytest.mark.parametrize("path", [*(ROOT / "docs").glob("*.md"), *DEPLOYED], ids=name)
def test_no_secret_is_put_on_a_command_line_which_everybody_on_the_machine_may_read(path):
    assert SECRET_ARGUMENT.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        'redis-cli -u "$REDIS_URL" PING',
        'redis-cli -h cache -a "$SECRET" PING',
        'curl -s 127.0.0.1:8001/api -H "Authorization: Bearer $ADMIN"',
        "curl -u name:word 127.0.0.1:8001",
        "psql -c \"CREATE ROLE tanhui LOGIN PASSWORD 'word'\"",
        'psql "postgresql://tanhui:word@db/tanhui"',
    ],
)
def test_a_secret_on_a_command_line_is_found(line):
    assert SECRET_ARGUMENT.search(line)


def test_every_alert_is_in_the_runbook():
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    assert len(alerts) > 10
    missing = [alert for alert in alerts if f"`{alert}`" not in OPERATIONS.read_text()]
    assert missing == []


def test_those_alerts_are_said_to_wake_somebody_that_do():
    (said,) = re.findall(r"\*\*Page\*\*, act now: (.*?)\. \*\*Ticket\*\*", OPERATIONS.read_text(), re.DOTALL)
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert set(re.findall(r"`(\w+)`", said)) == {
        rule["alert"] for rule in rules if rule["labels"]["severity"] == "page"
    }


def test_the_runbook_says_what_to_do_about_every_book_that_verify_names():
    source = "".join(path.read_text() for path in (ROOT / "backend" / "verification").glob("*.py"))
    elsewhere = (re.findall(pattern, source) for pattern in (r"Difference\(\"(\w+)\"", r"\(\"(\w+)\", _[A-Z]"))
    books = set(naming.BOOKS).union(*elsewhere)
    assert len(books) > 15
    section = FAULTS.read_text().split("### What verify names", 1)[1].split("\n### ", 1)[0]
    firsts = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {book for first in firsts for book in re.findall(r"`(\w+)`", first)} - {"city"} == books


def test_every_file_that_operations_names_exists():
    named = re.findall(r"`((?:deploy|docs|tests|backend)/[\w./@-]+)`", OPERATIONS.read_text())
    links = re.findall(r"\]\(([\w./-]+)\)", OPERATIONS.read_text())
    missing = [one for one in named if not (ROOT / one).exists()]
    missing += [one for one in links if not (OPERATIONS.parent / one).exists()]
    assert missing == []
    assert named


def test_a_citys_postgresql_gets_the_settings_that_the_figures_were_measured_with():
    told = set(re.findall(r"ALTER SYSTEM SET (\w+) = ", OPERATIONS.read_text()))
    assert told >= {"random_page_cost", "jit", "checkpoint_timeout", "max_wal_size"}


def test_programs_that_a_server_has_not_on_its_path_are_called_by_all_of_it():
    lines = [line for path in DOCUMENTS for line in path.read_text().splitlines() if "pg_checksums -" in line]
    assert lines
    assert [line for line in lines if "/usr/lib/postgresql/15/bin/pg_checksums -" not in line] == []
