"""`flask prepare`: what `make run` does before it serves."""

import os

import click
from flask.cli import with_appcontext
from rich.console import Console

from backend import clock
from backend.preparation import schema, simulated
from backend.preparation.summary import print_summary


@click.command("prepare")
@click.option("--simulate/--no-simulate", default=None, help="Fill an empty site with a simulated city.")
@click.option("--residents", default=simulated.RESIDENTS, show_default=True, help="Size of the simulated city.")
@with_appcontext
def prepare(simulate: bool | None, residents: int) -> None:  # noqa: FBT001  click passes its options by name
    """Bring schema and defaults up to date; fill an empty development site with a simulated city."""
    console = Console()
    schema.bring_up_to_date()
    if simulate is None:
        simulate = os.environ.get("TANHUI_SIMULATE", "on") != "off" and simulated.is_wanted()
    if simulate:
        simulated.fill(console=console, residents=residents, today=clock.local_day(clock.now()))
    print_summary(console)
