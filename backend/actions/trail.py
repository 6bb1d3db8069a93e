"""Decisions on actions, in the audit trail."""

from backend import audit
from backend.actions.models import Action
from backend.web import public_ids
from backend.web.schemas import grams


def record(action: Action, *, verb: str, was: str, by: str) -> None:
    """Add a row: by whom the action was `accepted`, `refused` or `reversed`, its status before, what it came to."""
    audit.record(
        actor=by,
        action=f"action.{verb}",
        object_kind="action",
        object_id=public_ids.text(action.resident_id, action.seq),
        before={"status": was},
        after={
            "status": action.status,
            "points": action.points,
            "co2e_g": grams(action.co2e_mg),
            "reason": action.reason,
        },
    )
