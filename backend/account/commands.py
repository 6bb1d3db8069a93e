"""`flask resident`: what residents ask for in writing."""

import click
from flask.cli import AppGroup

from backend.account import cancelling
from backend.database import transaction
from backend.errors import NotFoundError

BY = "command:resident"
LARGEST_ID = 2**63 - 1
group = AppGroup("resident", help="Residents: erase an account for somebody who asks for it.")


@group.command("erase")
@click.argument("resident_ids", nargs=-1, required=True, type=click.IntRange(1, LARGEST_ID), metavar="RESIDENT_ID...")
@click.option("--yes", is_flag=True, help="Do not ask: it cannot be taken back.")
def erase(*, resident_ids: tuple[int, ...], yes: bool) -> None:
    """Remove all that is personal of these residents, as cancelling the account does. The books stay.

    Each by itself: those before one that fails are erased. Doing it again changes nothing.
    """
    if not yes:
        click.confirm(f"Erase {len(resident_ids)} for good: {', '.join(map(str, resident_ids))}?", abort=True)
    unknown = []
    for resident_id in resident_ids:
        try:
            with transaction():
                erased = cancelling.erase(resident_id, by=BY)
        except NotFoundError:
            unknown.append(resident_id)
        else:
            click.echo(f"{resident_id} {'erased' if erased else 'was erased before'}.")
    if unknown:
        raise click.ClickException(f"There is no resident {', '.join(map(str, unknown))}.")
