"""`flask ingest FILE --partner CODE`: a partner's records from a file."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import with_appcontext
from flask_babel import force_locale
from rich.console import Console

from backend import present
from backend.actions.events import MOST
from backend.actions.ingest.bars import Bars
from backend.actions.ingest.crew import STOPPING, size
from backend.actions.ingest.errors import StoppedError, UnreadableFileError
from backend.actions.ingest.lane import Run
from backend.actions.ingest.options import columns_of, delimiter_of, names_of, recipe_of, zone_of
from backend.actions.ingest.reading import begun
from backend.actions.ingest.running import carry_out
from backend.actions.ingest.source import opened
from backend.actions.ingest.summary import Summary
from backend.errors import NotFoundError
from backend.partners import service as partners
from backend.projector import service as projector

SHIFTS = click.IntRange(-200 * 366, 200 * 366)
"""Days: what goes beyond is a slip, and soon beyond the calendar."""


@click.command("ingest")
@click.argument("file")
@click.option("--partner", "partner_code", required=True, metavar="CODE", help="Whose records these are.")
@click.option("--task", help="The green task of all rows; else a column says, or the partner's only task.")
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", callback=columns_of, help="Where a field is.")
@click.option("--external-id-from", default="", metavar="FIELDS", callback=names_of, help="Make ids of these fields.")
@click.option("--unit", help="Unit of the quantities; else a column says, or the task's own.")
@click.option("--time-zone", "zone", metavar="NAME", callback=zone_of, help="Of times without one; else the city's.")
@click.option("--time-format", metavar="FORMAT", help="As in strptime, where times are not understood.")
@click.option(
    "--shift-days", default=0, type=SHIFTS, metavar="N", help="Move all times by whole days, to replay old records."
)
@click.option("--bind-subjects", is_flag=True, help="Make a resident for each unknown subject.")
@click.option("--page-size", default=MOST, type=click.IntRange(1, 20_000), help="Rows a transaction.")
@click.option("--processes", default=size, type=click.IntRange(1, 64), help="Side by side; else one a core.")
@click.option("--delimiter", default=",", metavar="MARK", callback=delimiter_of, help="Between columns.")
@click.option("--encoding", default="utf-8-sig", help="Of the text, such as gb18030.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, and nothing else.")
@with_appcontext
def ingest(
    *,
    file: str,
    partner_code: str,
    bind_subjects: bool,
    page_size: int,
    processes: int,
    encoding: str,
    as_json: bool,
    **columns_and_times: Any,
) -> None:
    """Credit a partner's records from FILE (CSV, plain or gz; - for standard input).

    Safe to repeat: what was credited is not credited again, so a run that was cut short is simply started anew.
    """
    summary, began = Summary(), time.perf_counter()
    with force_locale("en"), told_plainly(summary), Bars(hidden=as_json) as bars:
        recipe = recipe_of(partners.find(partner_code), **columns_and_times)
        with opened(file, encoding=encoding) as source:
            reader, coming = begun(bars.lines(source), recipe)
            run = Run(
                app=present.application(),
                reader=reader,
                partner_code=partner_code,
                page_size=page_size,
                bind_subjects=bind_subjects,
            )
            carry_out(run, coming, processes=processes, bars=bars, summary=summary)
        summary.seconds = time.perf_counter() - began
        bars.project()
        projector.drain()
        bars.have_projected()
        summary.projecting_seconds = time.perf_counter() - began - summary.seconds
    _report(summary, as_json=as_json)


@contextmanager
def told_plainly(summary: Summary) -> Iterator[None]:
    """Turn what stops an import into the command's one-line error, with the cure."""
    try:
        yield
    except UnreadableFileError as error:
        raise click.ClickException(f"Nothing was credited. {error}") from error
    except NotFoundError as error:
        codes = ", ".join(partners.list_codes())
        raise click.ClickException(f"There is no such active partner. There are: {codes}.") from error
    except (*STOPPING, StoppedError) as error:
        why = str(error).splitlines()[0]
        cure = "Run the same command again: what was credited is not credited twice."
        raise click.ClickException(f"Stopped after {summary.committed:,} rows: {why} {cure}") from error


def _report(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.as_json(), ensure_ascii=False))
        return
    console = Console()
    console.print(summary.as_table())
    if summary.problems:
        console.print(summary.problems_table())
    if cure := summary.cure():
        console.print(cure)
