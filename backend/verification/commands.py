"""`flask verify`: recompute everything, name each difference."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table

from backend.progress import progress
from backend.verification.difference import Checked, Difference
from backend.verification.service import Tell, verify

SHOWN = 100
COLUMNS = ("subject", "book", "what", "expected", "found")


@click.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--limit", type=click.IntRange(min=0), default=SHOWN, show_default=True, help="Differences to show.")
@click.option("--workers", type=click.IntRange(1, 32), help="Connections to work with; as many as processors, up to 4.")
@with_appcontext
def command(*, as_json: bool, limit: int, workers: int | None) -> None:
    """Recompute everything: ledger, lots, wallets, actions against their factors, redemptions, totals, leaderboards.

    Exact also while requests run. Ends with 1 if anything differs.
    """
    checked, began = Checked(), time.monotonic()
    with _progress() as tell:
        differences = verify(workers=workers, tell=tell, checked=checked)
        shown = list(islice(differences, limit))
        count = len(shown) + sum(1 for _ in differences)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        said = {"differences": [asdict(one) for one in shown], "count": count, **asdict(checked), "seconds": seconds}
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        _print(shown, count=count, checked=checked, seconds=seconds)
    if count:
        sys.exit(1)


def _print(shown: list[Difference], *, count: int, checked: Checked, seconds: float) -> None:
    looked_at = (
        f"{checked.residents:,} residents, {checked.actions:,} actions, {checked.entries:,} entries and "
        f"{checked.boards:,} boards"
    )
    if not count:
        click.echo(f"{looked_at} all agree ({seconds} s).")
        return
    table = Table(*("resident", *COLUMNS[1:]))
    for difference in shown:
        table.add_row(*(getattr(difference, column) for column in COLUMNS))
    Console().print(table)
    more = f", of which {len(shown):,} are shown" if count > len(shown) else ""
    click.echo(f"{count:,} differences{more} in {looked_at} ({seconds} s).")


@contextmanager
def _progress() -> Iterator[Tell]:
    with progress(TextColumn("{task.completed}/{task.total}")) as bars:
        tasks = {what: bars.add_task(what, total=1) for what in ("books", "city", "boards")}

        def tell(what: str, done: int, of: int) -> None:
            bars.update(tasks[what], completed=done, total=of)

        yield tell
