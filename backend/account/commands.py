"""`flask resident`: what residents ask for in writing, and wallets that are to be put right."""

from collections.abc import Mapping

import click
from flask.cli import AppGroup

from backend.account import cancelling, mending
from backend.database import transaction
from backend.errors import NotFoundError
from backend.ledger.mending import Change, UnmendableError
from backend.web.public_ids import LARGEST_BIGINT

BY = "command:resident"
group = AppGroup("resident", help="Residents: erase an account for somebody who asks for it, mend a wallet.")
named = click.argument(
    "resident_ids", nargs=-1, required=True, type=click.IntRange(1, LARGEST_BIGINT), metavar="RESIDENT_ID..."
)


@group.command("erase")
@named
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


@group.command("mend")
@named
@click.option("--yes", is_flag=True, help="Do not ask.")
def mend(*, resident_ids: tuple[int, ...], yes: bool) -> None:
    """Make these residents' wallets and yearly points what their entries, holds, actions and redemptions say.

    And hide whoever is frozen from others. For wallets that verify names. Each by itself: what cannot be mended is
    told, and is as it was. Freeze them first.
    """
    if not yes:
        click.confirm(f"Recompute {len(resident_ids)}: {', '.join(map(str, resident_ids))}?", abort=True)
    failed = []
    for resident_id in resident_ids:
        try:
            with transaction():
                changes = mending.mend(resident_id, by=BY)
        except NotFoundError:
            failed.append(f"There is no resident {resident_id} with a wallet.")
        except UnmendableError as error:
            failed.append(f"{resident_id} was not changed: {error}.")
        else:
            click.echo(f"{resident_id} {_told(changes)}.")
    if failed:
        raise click.ClickException("\n".join(failed))


def _told(changes: Mapping[str, Change]) -> str:
    if not changes:
        return "is right"
    each = [f"{name} from {change.before} to {change.after}" for name, change in changes.items()]
    return f"mended: {', '.join(each)}"
