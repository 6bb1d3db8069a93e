"""Account cancellation: what is personal goes, the books stay without a person (PIPL 47)."""

from collections.abc import Sequence

import structlog

from backend import clock
from backend.account import returning
from backend.actions import personal as actions
from backend.audit import record
from backend.database import db
from backend.errors import NotFoundError, UnauthenticatedError
from backend.leaderboard.moving import moved
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.partners import personal as partners
from backend.partners.models import Binding
from backend.residents import service as residents
from backend.residents.auth import Caller
from backend.rewards import personal as rewards

_log = structlog.get_logger()


def cancel(caller: Caller) -> None:
    """Erase the caller. Doing it again, even with the token that this ends, changes nothing.

    Raises UnauthenticatedError for a token of an earlier epoch.
    """
    try:
        erase(caller.resident_id, by=f"resident:{caller.resident_id}", epoch=caller.epoch)
    except NotFoundError as error:
        raise UnauthenticatedError from error


def erase(resident_id: int, *, by: str, epoch: int | None = None) -> bool:
    """Erase a resident, with `epoch` only while sessions of it last; returns whether there was somebody to erase.

    Raises NotFoundError, and UnauthenticatedError where the epoch is another.
    """
    now = clock.now()
    bound, wallet = _lock(resident_id)
    resident = residents.lock(resident_id)
    if resident.state == "erased":
        return False
    if epoch not in {None, resident.token_epoch}:
        raise UnauthenticatedError
    frozen = wallet.frozen
    actions.erase(resident_id, now=now)
    partners.release(bound)
    moved(resident_id, now=now)
    record(actor=by, action="resident.erased", object_kind="resident", object_id=resident_id)
    # May wait for a reward's row, which only redemptions of it would notice; what comes last all names wait for.
    rewards.erase(resident_id, now=now)
    ledger.set_frozen(wallet, frozen=True)
    residents.erase(resident, leaving=returning.leaving(wallet, resident, frozen=frozen, now=now), now=now)
    # Also outside the database: whoever loses it and takes a backup must erase them again.
    _log.info("resident erased", resident_id=resident_id)
    return True


def _lock(resident_id: int) -> tuple[Sequence[Binding], Wallet]:
    """A resident's bindings and wallet, locked in this order as everywhere; raises NotFoundError.

    A binding that was under way when we looked holds the wallet until it commits. It must not outlast the resident:
    then both are let go, for the order's sake, and locked anew.
    """
    while True:
        with db.session.begin_nested() as attempt:
            bound = partners.lock(resident_id)
            wallet = ledger.lock_wallet(resident_id)
            if partners.are_all(bound, resident_id=resident_id):
                return bound, wallet
            attempt.rollback()
