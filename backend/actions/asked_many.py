"""The claims of a batch, as they were asked for: values of the statements that award all of them at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.actions.asked import Asked, Row, Statement
from backend.actions.award_sql import BESIDES, KEEP_ANSWER, READ_MANY, WRITE_MANY
from backend.actions.judging import Judged
from backend.actions.standing import Standing
from backend.database import array, text_array


class AskedMany(Asked):
    """Claims of one resident, of which each has its own outcome; that all are refused is an answer too."""

    __slots__ = ()

    def reading(self, span: tuple[datetime, datetime]) -> Statement:
        """READ_MANY, which gives past actions of the span."""
        since, until = span
        values = {
            "resident_id": self.owner,
            "since": since,
            "until": until,
            "years": array({claim.day.year for claim in self.claims}),
            "references": text_array(claim.client_reference for claim in self.claims if claim.client_reference),
            "key": self.request.key,
        }
        return self._reading(READ_MANY, values)

    def learn(self, row: Row, standing: Standing) -> None:
        """Take the years' points, and the references and check-in codes that are taken."""
        _epoch, _revision, year_points, taken, codes, *_key = row[-BESIDES:]
        standing.year_points.update({int(year): points for year, points in (year_points or {}).items()})
        standing.known.update(taken or ())
        standing.codes.update(codes or ())

    def is_answered(self, judged: Sequence[Judged]) -> bool:  # noqa: ARG002  as the base's
        """Always: with a line for each."""
        return True

    def writing(self, judged: Sequence[Judged], *, standing: Standing, body: str, version: int) -> Statement:
        """WRITE_MANY, for those that are recorded; where none is, KEEP_ANSWER."""
        answer = self._answer(200, body, version=version)
        recorded = [one for one in judged if one.recorded]
        if not recorded:
            return KEEP_ANSWER, answer
        return WRITE_MANY, {
            **answer,
            **self._posted(standing),
            "rows": json.dumps([_row(one) for one in recorded]),
            "points": sum([one.outcome.points for one in recorded]),
            "entries": sum([1 for one in recorded if one.outcome.points]),
            "recorded": len(recorded),
            "co2e_mg": sum([one.outcome.co2e_mg for one in recorded]),
            "counted": sum([1 for one in recorded if one.outcome.status == "credited"]),
        }


def _row(one: Judged) -> dict[str, Any]:
    """A row of WRITE_MANY's `d`; what is left out is NULL."""
    claim, rules, outcome, _, seq, entry_seq, balance, _ = one
    row: dict[str, Any] = {
        "seq": seq,
        "task_id": rules.task_id,
        "task_version_id": rules.version_id,
        "tier": claim.tier,
        "status": outcome.status,
        "quantity_milli": outcome.quantity_milli,
        "happened_at": claim.happened_at.isoformat(),
        "local_day": claim.day.isoformat(),
        "co2e_mg": outcome.co2e_mg,
        "points": outcome.points,
        "entry_seq": entry_seq,
        "balance": balance,
    }
    if claim.ended_at is not None:
        row["ended_at"] = claim.ended_at.isoformat()
    if (used := outcome.quantification) is not None:
        row["methodology_id"], row["baseline_factor_id"] = used.methodology_id, used.baseline.id
        row["project_factor_id"] = used.project.id if used.project else None
    if outcome.capped_by:
        row["capped_by"] = outcome.capped_by
    if claim.client_reference:
        row["client_reference"] = claim.client_reference
    if claim.evidence:
        row["evidence"] = claim.evidence
    return row
