"""Mending a wallet that somebody changed by hand: from the entries, actions and redemptions that it follows from."""

from backend.actions import summing
from backend.audit import record
from backend.ledger import mending
from backend.ledger import service as ledger
from backend.ledger.mending import Change, Elsewhere
from backend.rewards import reading as rewards


def mend(resident_id: int, *, by: str) -> dict[str, Change]:
    """Write what differs in the resident's wallet and yearly points; says what. Where all is right, nothing is changed.

    Raises NotFoundError where there is no wallet, and UnmendableError where the rows do not agree among themselves.
    """
    wallet = ledger.lock_wallet(resident_id)
    recorded = summing.recorded(resident_id)
    elsewhere = Elsewhere(
        action_seq=recorded.last_seq,
        actions=recorded.actions,
        co2e_mg=recorded.co2e_mg,
        redemption_seq=rewards.last_seq(resident_id),
        years=recorded.points_by_year,
    )
    changes = mending.mend(wallet, elsewhere=elsewhere)
    if changes:
        record(
            actor=by,
            action="wallet.mended",
            object_kind="resident",
            object_id=resident_id,
            before={name: change.before for name, change in changes.items()},
            after={name: change.after for name, change in changes.items()},
        )
    return changes
