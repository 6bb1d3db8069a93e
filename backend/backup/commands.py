"""`flask backup`: making backups, restoring them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import click
from flask.cli import AppGroup

from backend import backed_up, clock, present
from backend.backup import dumping, keys, overlooking, restoring, swapping
from backend.backup.address import Address
from backend.backup.erasures import Erased
from backend.backup.errors import BackupError, unnoticed
from backend.backup.handed_out import HandedOut
from backend.backup.progress import told
from backend.backup.running import tidy_when_asked_to_stop
from backend.backup.since import Since
from backend.backup.swapping import Aside

group = AppGroup("backup", help="Backups of the database, and restoring them.")


@group.command("make")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to; else 'backups' in the data folder.")
@click.option("--keep", type=click.IntRange(1), help="Remove all but so many of the newest, this one included.")
def make(*, folder: Path | None, keep: int | None) -> None:
    """Write a backup while the site runs: complete and with a checksum, or none."""
    settings = present.settings()
    into = (folder or settings.tanhui_var / backed_up.USUAL).resolve()
    mine = keys.generated(settings)
    address = Address.of(settings.database_url)
    made = dumping.make(address, into, settings=settings, secrets=keys.as_text(mine), keep=keep)
    click.echo(f"{_short(made.dump)}: {told(made.bytes)} in {made.seconds:.1f} s.")
    if made.removed:
        click.echo(f"Removed, as only the {keep} newest are kept: {', '.join(dump.name for dump in made.removed)}.")
    if "secret_key" in mine:
        click.echo("This site made its own SECRET_KEY, so that lies beside it (.secrets): guard both alike.")
    else:
        click.echo("SECRET_KEY is not in it: keep that elsewhere, or what is sealed will not open after a restore.")
    try:
        backed_up.note(settings.tanhui_var)
    except OSError as error:
        raise unnoticed(settings.tanhui_var, error) from error


@group.command("restore")
@click.argument("dump", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Also where there is a site with people in it; that one is kept aside.")
@click.option("--without-key", is_flag=True, help="Also if the SECRET_KEY of the backup is lost, and what it sealed.")
@click.option(
    "--without-erasures",
    is_flag=True,
    help="Also if it cannot be read who has erased their account since, and which voucher codes were handed out.",
)
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
    settings = present.settings()
    with tidy_when_asked_to_stop():
        done = restoring.restore(wanted, settings)
    click.echo(f"The site is as it was at {done.made_at} ({done.seconds:.1f} s). Start it, and look at /readyz.")
    if done.former:
        click.echo(f"What was there before stays as database {done.former}, until 'flask --app wsgi backup discard'.")
    if settings.secret_key_fallbacks:
        click.echo("What a former key has sealed in it: 'flask --app wsgi secrets reseal'.")


@group.command("discard")
@click.option("--older-than", "days", type=click.IntRange(0), help="Keep those that were replaced in the last DAYS.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def discard(*, days: int | None, yes: bool) -> None:
    """Drop the databases that restores have replaced, and what a restore that was killed has left."""
    address = Address.of(present.settings().database_url)
    until = clock.now() - timedelta(days=days or 0)
    with swapping.alone(address) as neighbour:
        left = swapping.left_aside(neighbour, address)
        chosen = [one for one in left if one.replaced_at is None or one.replaced_at <= until]
        for one in chosen:
            click.echo(_described(one))
        if not chosen:
            click.echo("There are none.")
        elif not yes:
            click.confirm("Drop them? Nothing else holds what a replaced one does.", abort=True)
        for one in chosen:
            swapping.drop(neighbour, one.address)
            click.echo(f"{one.address.database} dropped.")


@group.command("address")
@click.option("--password", is_flag=True, help="Print the password instead, as PGPASSWORD wants it.")
def address_(*, password: bool) -> None:
    """Print where the database is, as psql and other programs of PostgreSQL's understand it; all but the password."""
    address = Address.of(present.settings().database_url)
    click.echo(address.secrets.get("PGPASSWORD", "") if password else address.words)


@group.command(overlooking.COMMAND)
@click.argument("made_at")
@click.option(
    "--erased", type=click.File(), help="Who erased their account since: a line 'resident_id,joined_at' each."
)
@click.option(
    "--handed-out", type=click.File(), help="Voucher codes handed out since: a line 'code of the reward,code' each."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--restoring", "by_restore", is_flag=True, hidden=True, help="By a restore, which asks nobody.")
@click.pass_context
def look_over(
    context: click.Context,
    *,
    made_at: str,
    erased: TextIO | None,
    handed_out: TextIO | None,
    yes: bool,
    by_restore: bool,
) -> None:
    """Bring a database that comes from MADE_AT up to date, end all sessions, rebuild boards, verify.

    Restoring does so by itself. After a recovery to a point in time it is for you to say. The site must be stopped.
    """
    moment = clock.rfc3339(_moment(made_at))
    if by_restore:
        overlooking.in_this_process(moment, Since.of_text(sys.stdin.read()), context.invoke)
        return
    since_then = Since(
        [Erased.of(line) for line in erased or () if line.strip()],
        [HandedOut.of(line) for line in handed_out or () if line.strip()],
    )
    if not yes:
        click.confirm(
            f"Does this database come from {moment}? Everybody will have to sign in again, newcomers' numbers go on a"
            " million later, and all boards are filled anew",
            abort=True,
        )
    with _stopped_site():
        overlooking.in_this_process(moment, since_then, context.invoke)


@contextmanager
def _stopped_site() -> Iterator[None]:
    """Raises BackupError if the site is at work, or a restore."""
    settings = present.settings()
    address = Address.of(settings.database_url)
    restoring.refuse_a_running_site(settings)
    with swapping.alone(address) as neighbour:
        swapping.refuse_while_used(neighbour, address)
        yield


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BackupError(
            f"{text!r} is no moment: write it with its time zone, such as '2026-11-26 19:14:47.189488+00'."
            " Nothing was changed."
        )
    return moment


def _described(one: Aside) -> str:
    if one.replaced_at is None:
        return f"{one.address.database}: {told(one.bytes)}, half made by a restore that was killed"
    days = (clock.now() - one.replaced_at).days
    return f"{one.address.database}: {told(one.bytes)}, replaced {days} days ago"


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
