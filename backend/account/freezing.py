"""Why a resident is frozen, for that resident to read (PIPL 24 and 44): the reason and the time, never who decided."""

from typing import Any

from backend import audit, clock

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


def why(resident_id: int) -> dict[str, Any]:
    """The reason for which a frozen resident was frozen, and since when; both None where no admin's call did it."""
    row = audit.latest(action=FROZEN, object_kind="resident", object_id=resident_id)
    if row is None:
        return {"reason": None, "since": None}
    return {"reason": (row.after or {}).get("reason"), "since": clock.rfc3339(row.at)}
