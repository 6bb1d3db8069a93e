"""`flask backup`: making backups, restoring them."""

import os
from pathlib import Path
from typing import TextIO

import click
from flask.cli import AppGroup

from backend import present
from backend.backup import dumping, keys, overlooking, restoring, swapping
from backend.backup.address import Address
from backend.backup.progress import told

group = AppGroup("backup", help="Backups of the database, and restoring them.")


@group.command("make")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to; else 'backups' in the data folder.")
@click.option("--keep", type=click.IntRange(1), help="Remove all but so many of the newest, this one included.")
def make(*, folder: Path | None, keep: int | None) -> None:
    """Write a backup while the site runs: complete and with a checksum, or none."""
    settings = present.settings()
    into = (folder or settings.tanhui_var / "backups").resolve()
    mine = keys.generated(settings)
    address = Address.of(settings.database_url)
    made = dumping.make(address, into, secret_key=settings.secret_key, secrets=keys.as_text(mine), keep=keep)
    click.echo(f"{_short(made.dump)}: {told(made.bytes)} in {made.seconds:.1f} s.")
    if made.removed:
        click.echo(f"Removed, as only the {keep} newest are kept: {', '.join(dump.name for dump in made.removed)}.")
    if "secret_key" in mine:
        click.echo("This site made its own SECRET_KEY, so that lies beside it (.secrets): guard both alike.")
    else:
        click.echo("SECRET_KEY is not in it: keep that elsewhere, or what is sealed will not open after a restore.")


@group.command("restore")
@click.argument("dump", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Also where there is a site with people in it; that one is kept aside.")
@click.option("--without-key", is_flag=True, help="Also if the SECRET_KEY of the backup is lost, and what it sealed.")
@click.option("--without-erasures", is_flag=True, help="Also if it cannot be read who has erased their account since.")
@click.option("--accept-differences", is_flag=True, help="Also if the restored books do not agree.")
def restore(*, dump: Path, replace: bool, without_key: bool, without_erasures: bool, accept_differences: bool) -> None:
    """Restore a backup, verify it, and only then put it in the site's place. The site must be stopped."""
    wanted = restoring.Wanted(
        dump=dump.resolve(),
        replace=replace,
        without_key=without_key,
        without_erasures=without_erasures,
        accept_differences=accept_differences,
    )
    done = restoring.restore(wanted, present.settings())
    click.echo(f"The site is as it was at {done.made_at} ({done.seconds:.1f} s). Start it, and look at /readyz.")
    if done.former:
        click.echo(f"What was there before stays as database {done.former}, until 'flask --app wsgi backup discard'.")


@group.command("discard")
def discard() -> None:
    """Drop the databases that restores have replaced."""
    address = Address.of(present.settings().database_url)
    with swapping.alone(address) as neighbour:
        found = swapping.formers(neighbour, address)
        for former in found:
            swapping.drop(neighbour, former)
            click.echo(f"{former.database} dropped.")
    if not found:
        click.echo("There are none.")


@group.command(overlooking.COMMAND)
@click.argument("made_at")
@click.option(
    "--erased", type=click.File(), help="Who erased their account since: a line 'resident_id,joined_at' each."
)
@click.pass_context
def look_over(context: click.Context, *, made_at: str, erased: TextIO | None) -> None:
    """Bring a database that comes from MADE_AT up to date, end all sessions, rebuild boards, verify.

    Restoring does so by itself. After a recovery to a point in time it is for you to say.
    """
    overlooking.in_this_process(made_at, erased or (), context.invoke)


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
