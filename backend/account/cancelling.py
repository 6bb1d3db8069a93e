"""Account cancellation: what is personal goes, the books stay without a person (PIPL 47)."""

from backend import clock
from backend.actions import personal as actions
from backend.audit import record
from backend.errors import NotFoundError, UnauthenticatedError
from backend.leaderboard.moving import moved
from backend.ledger import service as ledger
from backend.partners import personal as partners
from backend.residents import service as residents
from backend.residents.auth import Caller
from backend.rewards import personal as rewards


def cancel(caller: Caller) -> None:
    """Erase the caller. Doing it again, even with the token that this ends, changes nothing.

    Raises UnauthenticatedError for a token of an earlier epoch.
    """
    now = clock.now()
    bound = partners.lock(caller.resident_id)  # before the wallet, as everywhere
    try:
        wallet = ledger.lock_wallet(caller.resident_id)
    except NotFoundError as error:
        raise UnauthenticatedError from error
    resident = residents.lock(caller.resident_id)
    if resident.state == "erased":
        return
    if resident.token_epoch != caller.epoch:
        raise UnauthenticatedError
    rewards.erase(caller.resident_id, now=now)
    actions.erase(caller.resident_id, now=now)
    partners.release(bound)
    residents.erase(resident, now=now)
    moved(caller.resident_id, now=now)
    ledger.set_frozen(wallet, frozen=True)
    who = caller.resident_id
    record(actor=f"resident:{who}", action="resident.erased", object_kind="resident", object_id=who)
