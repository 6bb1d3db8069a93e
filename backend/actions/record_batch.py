"""Recording a batch of one resident's claims: as a single one, with one read and one write, under a lock if need be."""

from collections.abc import Sequence
from datetime import datetime

from backend.actions.asked import Recorded, Render
from backend.actions.asked_many import AskedMany
from backend.actions.claim import Claim
from backend.actions.record_alone import attempted
from backend.actions.record_together import record_in_turn
from backend.config import Settings
from backend.database import prepared_statements
from backend.residents.auth import Caller
from backend.web.idempotency import Request


def record_batch(
    claims: Sequence[Claim], *, caller: Caller, settings: Settings, now: datetime, request: Request, render: Render
) -> Recorded:
    """Judge and record claims of one resident, which name tasks of the catalogue: all of them at once, or none.

    Raises UnauthenticatedError for ended sessions, IdempotencyKeyReusedError for a key that stood for another request,
    psycopg.errors.LockNotAvailable where others took too long. The answer is kept though every claim be refused.
    """
    asked = AskedMany(claims, caller=caller, settings=settings, now=now, request=request, render=render)
    with prepared_statements() as statements:
        if not attempted(statements, asked):
            record_in_turn(statements, [asked], late=tuple)
    if asked.error is not None:
        raise asked.error
    assert asked.recorded is not None  # noqa: S101  there was no error
    return asked.recorded
