"""My reduction: lifetime grams and actions, and their sums by task and month."""

from datetime import date
from typing import Any

from backend.account import reading
from backend.account.reading import MINE
from backend.actions import summing
from backend.catalogue import service as catalogue
from backend.leaderboard.months import months_of
from backend.residents.auth import Caller
from backend.web.schemas import grams

_TOTAL = f"""
SELECT w.co2e_mg, w.actions FROM residents r JOIN wallets w ON w.resident_id = r.resident_id WHERE {MINE}
"""  # noqa: S608  the parts are ours


def show(caller: Caller, *, by: frozenset[str]) -> dict[str, Any]:
    """Lifetime sums, and groups by `task`, by `month`, or by both; newest month first.

    Months alone come from the projection, a row each, however long the history (they follow within a second);
    by task the resident's own credited actions are summed, which costs as much as there are of them.
    Raises UnauthenticatedError.
    """
    co2e_mg, actions = reading.rows(_TOTAL, caller=caller)[0]
    return {"co2e_g": grams(co2e_mg), "actions": actions, "groups": _groups(caller.resident_id, by)}


def _groups(resident_id: int, by: frozenset[str]) -> list[dict[str, Any]]:
    if not by:
        return []
    if by == {"month"}:
        return [_group(None, first, co2e_mg, actions) for first, co2e_mg, actions in months_of(resident_id)]
    codes = {rules.task_id: rules.code for rules in catalogue.current().tasks.values()}
    found = summing.by_task(resident_id, monthly="month" in by)
    return [_group(codes.get(row.task_id), row.month, row.co2e_mg, row.actions) for row in found]


def _group(task: str | None, month: date | None, co2e_mg: int, actions: int) -> dict[str, Any]:
    shown = None if month is None else f"{month:%Y-%m}"
    return {"task": task, "month": shown, "co2e_g": grams(co2e_mg), "actions": actions}
