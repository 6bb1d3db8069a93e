"""Mending a wallet that somebody changed by hand: from the entries, actions and redemptions that it follows from."""

from backend import clock
from backend.actions import summing
from backend.audit import record
from backend.ledger import mending
from backend.ledger import service as ledger
from backend.ledger.mending import Change, Elsewhere
from backend.residents import service as residents
from backend.rewards import reading as rewards


def mend(resident_id: int, *, by: str) -> dict[str, Change]:
    """Write what differs in the resident's wallet and yearly points; says what. Where all is right, nothing is changed.

    Who has left is frozen, and who is frozen is hidden from others until they leave.
    Raises NotFoundError where there is no such resident with a wallet, and UnmendableError where the rows do not agree
    among themselves.
    """
    wallet = ledger.lock_wallet(resident_id)
    resident = residents.lock(resident_id)
    sums = summing.of_all(resident_id)
    elsewhere = Elsewhere(
        action_seq=sums.last_seq,
        actions=sums.actions,
        co2e_mg=sums.co2e_mg,
        redemption_seq=rewards.last_seq(resident_id),
        years=sums.points_by_year,
    )
    frozen = wallet.frozen or resident.state == "erased"
    hidden = frozen and resident.state == "active"
    changes = mending.mend(wallet, elsewhere=elsewhere)
    changes |= _changed(frozen=Change(wallet.frozen, frozen), hidden=Change(resident.hidden, hidden))
    if changes:
        record(
            actor=by,
            action="wallet.mended",
            object_kind="resident",
            object_id=resident_id,
            before={name: change.before for name, change in changes.items()},
            after={name: change.after for name, change in changes.items()},
        )
    ledger.set_frozen(wallet, frozen=frozen)
    residents.hide(resident, hidden=hidden, now=clock.now())
    return changes


def _changed(**pairs: Change) -> dict[str, Change]:
    return {name: change for name, change in pairs.items() if change.before != change.after}
