"""One claim, as it was asked for: values of the statements that award it."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from backend.actions.asked import Asked, Row, Statement
from backend.actions.award_sql import BESIDES, READ, WRITE
from backend.actions.judging import Judged
from backend.actions.standing import Standing


class AskedOne(Asked):
    """A single claim; refused, it changes nothing."""

    __slots__ = ()

    def reading(self, span: tuple[datetime, datetime]) -> Statement:
        """READ, which gives past actions of the span."""
        (claim,), (since, until) = self.claims, span
        values = {
            "resident_id": self.owner,
            "since": since,
            "until": until,
            "year": claim.day.year,
            "client_reference": claim.client_reference,
            "key": self.request.key,
        }
        return self._reading(READ, values)

    def learn(self, row: Row, standing: Standing) -> None:
        """Take the year's points, and whether the claim's reference and its check-in code are taken."""
        (claim,) = self.claims
        _epoch, _revision, year_points, taken, codes, *_key = row[-BESIDES:]
        standing.year_points[claim.day.year] = year_points or 0
        if taken is not None and claim.client_reference:
            standing.known.add(claim.client_reference)
        standing.codes.update(codes or ())

    def is_answered(self, judged: Sequence[Judged]) -> bool:
        """Whether it counts, or waits for a reviewer."""
        return judged[0].recorded

    def writing(self, judged: Sequence[Judged], *, standing: Standing, body: str, version: int) -> Statement:
        """WRITE, for a claim that is recorded."""
        ((claim, rules, outcome, *_numbers),) = judged
        quantified = outcome.quantification
        return WRITE, {
            **self._answer(201, body, version=version),
            **self._posted(standing),
            "points": outcome.points,
            "entries": 1 if outcome.points else 0,
            "recorded": 1,
            "co2e_mg": outcome.co2e_mg,
            "counted": 1 if outcome.status == "credited" else 0,
            "year": claim.day.year,
            "task_id": rules.task_id,
            "task_version_id": rules.version_id,
            "tier": claim.tier,
            "status": outcome.status,
            "quantity": judged[0].quantity,
            "happened_at": claim.happened_at,
            "ended_at": claim.ended_at,
            "local_day": claim.day,
            "methodology_id": quantified.methodology_id if quantified else None,
            "baseline_factor_id": quantified.baseline.id if quantified else None,
            "project_factor_id": quantified.project.id if quantified and quantified.project else None,
            "capped_by": outcome.capped_by,
            "client_reference": claim.client_reference,
            "evidence": Jsonb(claim.evidence) if claim.evidence else None,
        }
