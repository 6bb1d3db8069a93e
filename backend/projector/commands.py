"""`flask totals`: the exact totals on the command line."""

import json
from typing import Any

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from backend.database import transaction
from backend.projector.service import drain
from backend.totals import service


@click.command("totals")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, for scripts.")
@with_appcontext
def totals(*, as_json: bool) -> None:
    """Print the exact totals, down to the milligram, of everything recorded up to now."""
    drain()
    with transaction():
        found = service.exact()
    if as_json:
        click.echo(json.dumps(found))
    else:
        Console().print(_table(found))


def _table(found: dict[str, Any]) -> Table:
    table = Table("What", "How much", title="Totals")
    tiers: dict[str, dict[str, int]] = found["by_tier"]
    for name, value in found.items():
        if name != "by_tier":
            table.add_row(name, f"{value:,}")
    for tier, sums in tiers.items():
        for name, value in sums.items():
            table.add_row(f"{tier}: {name}", f"{value:,}")
    return table
