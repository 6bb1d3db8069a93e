"""`flask secrets`: from one SECRET_KEY to the next without losing what is sealed."""

from collections.abc import Callable, Iterator

import click
from flask.cli import AppGroup
from rich.progress import TextColumn

from backend.progress import progress
from backend.resealing import service
from backend.resealing.service import KINDS, Tally

MISSING = (
    "What no key opens was left as it is: is a key missing in SECRET_KEY_FALLBACKS? Keep all that you have. If that"
    " key is lost for good, those are to be given anew."
)
group = AppGroup("secrets", help="After a change of SECRET_KEY: what former keys have sealed.")


@group.command("check")
def check() -> None:
    """Count what is sealed with SECRET_KEY, with SECRET_KEY_FALLBACKS, and with no key that is set. Changes nothing.

    Ends with 1 if there is anything of the last.
    """
    tallies = _over_all(service.check)
    for kind, tally in tallies.items():
        click.echo(f"{kind}: {tally.present:,} under SECRET_KEY, {tally.former:,} under a former key{_unknown(tally)}.")
    if any(tally.unknown for tally in tallies.values()):
        raise click.ClickException(MISSING)


@group.command("reseal")
def reseal() -> None:
    """Seal anew with SECRET_KEY what SECRET_KEY_FALLBACKS have sealed, while the site runs.

    To be stopped and begun again at will. Ends with 1 if anything is left that SECRET_KEY does not open.
    """
    tallies = _over_all(service.reseal)
    for kind, tally in tallies.items():
        left = f", {tally.former:,} left under a former key" if tally.former else ""
        click.echo(f"{kind}: {tally.resealed:,} sealed anew, {tally.present:,} were already{left}{_unknown(tally)}.")
    if any(tally.unknown for tally in tallies.values()):
        raise click.ClickException(MISSING)
    if any(tally.former for tally in tallies.values()):
        raise click.ClickException("Somebody held what is left all the while: run this again.")
    click.echo("Nothing is left under a former key.")


def _unknown(tally: Tally) -> str:
    return f", {tally.unknown:,} that no key opens" if tally.unknown else ""


def _over_all(go: Callable[[str, Tally], Iterator[int | None]]) -> dict[str, Tally]:
    tallies = {kind: Tally() for kind in KINDS}
    with progress(TextColumn("{task.completed:,} rows")) as bars:
        for kind, tally in tallies.items():
            bar = bars.add_task(kind, total=None)
            for estimate in go(kind, tally):
                bars.update(bar, completed=tally.rows, total=max(estimate or 0, tally.rows))
            bars.update(bar, completed=tally.rows, total=tally.rows)
    return tallies
