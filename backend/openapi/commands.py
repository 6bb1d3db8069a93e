"""`flask openapi`: the description as the repository keeps it."""

import json
from pathlib import Path

import click
from flask.cli import with_appcontext

from backend.openapi.describing import document

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"


@click.command("openapi")
@click.option("--write", is_flag=True, help="Write docs/openapi.json instead of printing it.")
@with_appcontext
def describe(*, write: bool) -> None:
    """Print the OpenAPI description of every call."""
    text = json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False)
    if write:
        KEPT.write_text(f"{text}\n", encoding="utf-8")
        click.echo(f"{KEPT.name} is current.")
    else:
        click.echo(text)
