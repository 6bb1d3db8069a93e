"""What a resident asks to have recorded, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from backend import outbox
from backend.actions.award_sql import BESIDES
from backend.actions.claim import Claim
from backend.actions.judging import Judged
from backend.actions.standing import Standing
from backend.catalogue import service as catalogue_service
from backend.config import Settings
from backend.errors import UnauthenticatedError
from backend.gathering import Member
from backend.idempotency import Request, replayed
from backend.ledger import posting
from backend.residents.auth import Caller

Render = Callable[[Judged, Standing], dict[str, Any]]
"""Makes the answer that is stored under the idempotency key, in the same statement as the effect. It may be called in
another request's thread."""
Row = Sequence[Any]
Replay = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording came to: a judgement of now, or the stored answer to the same request of before."""

    judged: Judged | None
    replay: Replay | None = None
    body: str | None = None
    """The answer as JSON, made once for the caller and for the store."""


class Asked(Member):
    """One claim of a resident, as it was asked for."""

    __slots__ = ("caller", "claim", "now", "recorded", "render", "request", "settings")

    def __init__(
        self, claim: Claim, *, caller: Caller, settings: Settings, now: datetime, request: Request, render: Render
    ) -> None:
        super().__init__(caller.resident_id)
        self.claim = claim
        self.caller = caller
        self.settings = settings
        self.now = now
        self.request = request
        self.render = render
        self.recorded: Recorded | None = None

    def must_name_a_task(self) -> None:
        """Raise NotFoundError unless the claim's task exists."""
        catalogue = catalogue_service.cached()
        if self.claim.task not in catalogue.tasks:
            # It may have been added since: only the database knows.
            catalogue_service.current().task(self.claim.task)

    def reading(self, span: tuple[datetime, datetime]) -> dict[str, Any]:
        """Values of READ, which is to give past actions of a `window`."""
        since, until = span
        return {
            "resident_id": self.owner,
            "since": since,
            "until": until,
            "year": self.claim.day.year,
            "client_reference": self.claim.client_reference,
            "key": self.request.key,
        }

    def answered(self, row: Row) -> Replay | None:
        """The stored answer, if a row of READ has one; raises UnauthenticatedError for ended sessions."""
        token_epoch, _revision, _points, _taken, key_hash, status, body = row[-BESIDES:]
        if token_epoch != self.caller.epoch:
            raise UnauthenticatedError
        return replayed(self.request, stored_hash=key_hash, status=status, body=body)

    def learn(self, row: Row, standing: Standing) -> None:
        """Take what a row of READ says beside wallet and past action into a standing."""
        _epoch, _revision, year_points, taken, *_key = row[-BESIDES:]
        standing.year_points[self.claim.day.year] = year_points or 0
        if taken is not None and self.claim.client_reference:
            standing.known.add(self.claim.client_reference)

    def writing(self, judged: Judged, *, body: str, version: int) -> dict[str, Any]:
        """Values of WRITE, which does nothing unless the wallet has this version."""
        claim, outcome, quantified = self.claim, judged.outcome, judged.outcome.quantification
        return {
            "resident_id": judged.resident_id,
            "version": version,
            "points": outcome.points,
            "co2e_mg": outcome.co2e_mg,
            "counted": 1 if outcome.status == "credited" else 0,
            "expires_on": posting.expiry_of(self.now, months=self.settings.points_valid_months),
            "year": claim.day.year,
            "task_id": judged.rules.task_id,
            "task_version_id": judged.rules.version_id,
            "tier": claim.tier,
            "status": outcome.status,
            "quantity": judged.quantity,
            "happened_at": claim.happened_at,
            "ended_at": claim.ended_at,
            "local_day": claim.day,
            "district_id": judged.district_id,
            "methodology_id": quantified.methodology_id if quantified else None,
            "baseline_factor_id": quantified.baseline.id if quantified else None,
            "project_factor_id": quantified.project.id if quantified and quantified.project else None,
            "capped_by": outcome.capped_by,
            "partner_id": claim.partner_id,
            "client_reference": claim.client_reference,
            "evidence": Jsonb(claim.evidence) if claim.evidence else None,
            "now": self.now,
            "partition": outbox.partition_of(judged.resident_id),
            "key": self.request.key,
            "request_hash": self.request.hash,
            "answer_status": 201,
            "body": body if self.request.key else None,
        }
