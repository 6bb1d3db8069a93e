"""Freezing a resident, and why, for that resident to read (PIPL 24 and 44): reason and time, never who decided."""

from datetime import datetime
from typing import Any

from backend import audit, clock
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.residents import service as residents
from backend.residents.models import Resident

FROZEN = "resident.frozen"
UNFROZEN = "resident.unfrozen"
HELD = {
    "freezes": f"""
        SELECT a.at, jsonb_build_object('frozen', a.action = '{FROZEN}', 'reason', a.after -> 'reason', 'at', a.at)
        FROM audit_log a
        WHERE a.object_kind = 'resident' AND a.object_id = %(resident_id)s::text
            AND a.action IN ('{FROZEN}', '{UNFROZEN}')
            AND (%(after)s::timestamptz IS NULL OR a.at > %(after)s::timestamptz)
        ORDER BY a.at LIMIT %(rows)s"""  # noqa: S608  the parts are ours
}
"""Section of an export → a statement that gives (key, JSON object) after a key."""


def set_frozen(wallet: Wallet, resident: Resident, *, frozen: bool, by: str, now: datetime, **told: object) -> None:
    """Freeze or unfreeze an active resident: who is frozen earns and spends nothing, and is not named to others.

    Expects the wallet locked and then the resident. The resident's own row says it too, so that boards ask no wallet.
    A change is in the audit trail, which is `told` more. Call it last: see `changes.tell`.
    """
    if wallet.frozen != frozen:
        audit.record(
            actor=by,
            action=FROZEN if frozen else UNFROZEN,
            object_kind="resident",
            object_id=wallet.resident_id,
            before={"frozen": not frozen},
            after={"frozen": frozen, **told},
        )
    ledger.set_frozen(wallet, frozen=frozen)
    residents.hide(resident, hidden=frozen, now=now)


def why(resident_id: int) -> dict[str, Any]:
    """The reason for which a frozen resident was frozen, and since when; both None where no admin's call did it."""
    row = audit.latest(action=FROZEN, object_kind="resident", object_id=resident_id)
    if row is None:
        return {"reason": None, "since": None}
    return {"reason": (row.after or {}).get("reason"), "since": clock.rfc3339(row.at)}
