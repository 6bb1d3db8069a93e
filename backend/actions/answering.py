"""How an action is shown: as an answer to its recording, and as a stored row."""

from typing import Any

from backend import clock
from backend.actions.explaining import explain
from backend.actions.judging import Judged
from backend.actions.models import Action
from backend.actions.standing import Standing
from backend.catalogue.models import TaskVersion
from backend.emissions.rules import Quantification
from backend.web import public_ids
from backend.web.schemas import grams
from backend.web.titles import language


def answer(judged: Judged, standing: Standing, *, spoken: str) -> dict[str, Any]:
    """The answer to a recorded claim in this language; `standing` is the one after it."""
    claim, outcome, rules = judged.claim, judged.outcome, judged.rules
    body = {
        "id": public_ids.text(judged.resident_id, judged.seq),
        "task": rules.code,
        "status": outcome.status,
        "evidence": claim.tier,
        "occurred_at": clock.rfc3339(claim.ended_at or claim.happened_at),
        "co2e_g": grams(outcome.co2e_mg),
        "points": outcome.points,
        "quantified": outcome.quantification is not None,
        "wallet": {"balance": standing.balance},
        "explanation": explain(
            quantity_milli=outcome.quantity_milli,
            counted_milli=rules.counted(outcome.quantity_milli),
            unit=rules.unit,
            quantification=outcome.quantification,
            co2e_mg=outcome.co2e_mg if outcome.status == "credited" else None,
            language=spoken,
        ),
    }
    if outcome.capped_by:
        body["points_capped_by"] = outcome.capped_by
    return body


def result(index: int, judged: Judged) -> dict[str, Any]:
    """One line of a batch's answer."""
    outcome = judged.outcome
    line: dict[str, Any] = {"index": index, "status": outcome.status}
    if not judged.recorded:
        return {**line, "reason": outcome.reason}
    line |= {"id": public_ids.text(judged.resident_id, judged.seq), "co2e_g": grams(outcome.co2e_mg)}
    line["points"] = outcome.points
    return {**line, "points_capped_by": outcome.capped_by} if outcome.capped_by else line


def stored(action: Action, *, code: str, version: TaskVersion, quantification: Quantification | None) -> dict[str, Any]:
    """A stored action with its explanation."""
    quantity = int(action.quantity * 1000)
    most = None if version.counted_max is None else int(version.counted_max * 1000)
    body = {
        "id": public_ids.text(action.resident_id, action.seq),
        "task": code,
        "status": action.status,
        "evidence": action.tier,
        "occurred_at": clock.rfc3339(action.ended_at or action.happened_at),
        "co2e_g": grams(action.co2e_mg),
        "points": action.points,
        "quantified": version.methodology is not None,
        "explanation": explain(
            quantity_milli=quantity,
            counted_milli=quantity if most is None else min(quantity, most),
            unit=version.unit,
            quantification=quantification,
            # A reversed action keeps the grams that were taken back.
            co2e_mg=action.co2e_mg if action.status in {"credited", "reversed"} else None,
            language=language(),
        ),
    }
    optional = {"points_capped_by": action.capped_by, "reason": action.reason}
    return body | {name: value for name, value in optional.items() if value}
