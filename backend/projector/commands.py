"""`flask totals`: the exact totals on the command line, and making them anew."""

import json
from collections import Counter
from typing import Any

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import TaskID, TextColumn
from rich.table import Table

from backend.database import transaction
from backend.progress import progress
from backend.projector import rebuilding
from backend.projector.service import drain
from backend.totals import service


@click.group("totals", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, for scripts.")
@click.pass_context
@with_appcontext
def totals(context: click.Context, *, as_json: bool) -> None:
    """Print the exact totals, down to the milligram, of everything recorded up to now."""
    if context.invoked_subcommand is None:
        _print(as_json=as_json)


@totals.command("rebuild")
@with_appcontext
def rebuild() -> None:
    """Recompute the totals from actions and ledger, and write what differs.

    The site may run meanwhile; may be stopped and begun again.
    """
    written: Counter[str] = Counter()
    with progress(TextColumn("{task.completed}/{task.total}")) as bars:
        tasks: dict[str, TaskID] = {}
        for step in rebuilding.rebuild():
            if step.table not in tasks:
                tasks[step.table] = bars.add_task(step.table, total=step.of)
            bars.update(tasks[step.table], completed=step.done)
            written[step.table] += step.written
    click.echo(_said(written))


def _said(written: Counter[str]) -> str:
    if not written.total():
        return "All totals are right: nothing was written."
    tables = ", ".join(f"{rows:,} of {table}" for table, rows in written.items() if rows)
    return f"{written.total():,} rows differed and are right now: {tables}."


def _print(*, as_json: bool) -> None:
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
