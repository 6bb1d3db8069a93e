"""Recording one action: one read, one write, each its own transaction.

The write carries the wallet's version that the read saw (compare and set): if anything of the resident's moved in
between, it changes nothing and the action is judged again: then in turn with the resident's other requests, so that
one who asks for many things at once is not sent round and round.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from backend import metrics, outbox
from backend.actions.claim import Claim
from backend.actions.judging import Judged, caps_of, judge
from backend.actions.loading import AROUND, PAST, WALLET, WALLET_COLUMNS, remember, standing_of, window
from backend.actions.standing import Standing
from backend.catalogue import service as catalogue_service
from backend.catalogue.service import Catalogue
from backend.config import Settings
from backend.database import prepared_statements
from backend.errors import UnauthenticatedError
from backend.idempotency import Request, replayed
from backend.ledger import posting
from backend.ledger.turns import in_turn
from backend.residents.auth import Caller
from backend.residents.idempotency import IN_DATABASE

ATTEMPTS = 5
"""Rounds before giving up. All but the first have the wallet to themselves, and only a key that was taken by a request
of another kind at that very moment can cost one of them."""

BESIDES = 7
"""Columns of the read beside wallet and past action: the same in all its rows."""

Render = Callable[[Judged, Standing], dict[str, Any]]
"""Makes the answer that is stored under the idempotency key, in the same statement as the effect."""

_READ = f"""
SELECT {WALLET}, {PAST}, r.token_epoch, (SELECT revision FROM catalogue_revision), y.points, c.seq,
    k.request_hash, k.status, k.body
FROM wallets w
JOIN residents r ON r.resident_id = w.resident_id
LEFT JOIN actions a ON {AROUND.format(since="%(since)s", until="%(until)s")}
LEFT JOIN yearly_points y ON y.resident_id = w.resident_id AND y.year = %(year)s
LEFT JOIN actions c ON c.resident_id = w.resident_id AND c.client_reference = %(client_reference)s
LEFT JOIN idempotency_keys k ON k.resident_id = w.resident_id AND k.key = %(key)s
WHERE w.resident_id = %(resident_id)s
"""  # noqa: S608  the parts are ours

_WRITE = f"""
WITH w AS ({posting.UPDATE_WALLET}),
entry AS ({posting.INSERT_ENTRY}),
lot AS ({posting.ADD_TO_LOT}),
debt AS ({posting.PAY_DEBT}),
year AS ({posting.ADD_TO_YEAR}),
action AS (
    INSERT INTO actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at,
        local_day, district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by,
        partner_id, client_reference, evidence, posted_at)
    SELECT w.resident_id, w.action_seq, %(task_id)s, %(task_version_id)s, %(tier)s, %(status)s, %(quantity)s,
        %(happened_at)s, %(ended_at)s, %(local_day)s, %(district_id)s, %(methodology_id)s, %(baseline_factor_id)s,
        %(project_factor_id)s, %(co2e_mg)s, %(points)s, %(capped_by)s, %(partner_id)s, %(client_reference)s,
        %(evidence)s, %(now)s
    FROM w),
out AS (
    INSERT INTO outbox (resident_id, partition, kind, day, task_id, tier, district_id, co2e_mg, points, actions,
        posted_at)
    SELECT w.resident_id, %(partition)s, 'action', %(local_day)s, %(task_id)s, %(tier)s, %(district_id)s,
        %(co2e_mg)s, %(points)s, 1, %(now)s
    FROM w WHERE %(counted)s = 1),
answer AS ({IN_DATABASE})
SELECT action_seq FROM w
"""  # noqa: S608  the parts are ours


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording came to: a judgement of now, or the stored answer to the same request of before."""

    judged: Judged | None
    standing: Standing | None
    replay: tuple[int, dict[str, Any]] | None = None
    body: str | None = None
    """The answer as JSON, made once for the caller and for the store."""


def record_one(
    claim: Claim, *, caller: Caller, settings: Settings, now: datetime, request: Request, render: Render
) -> Recorded:
    """Judge and record one claim of a resident.

    Raises NotFoundError for an unknown task, UnauthenticatedError for ended sessions, IdempotencyKeyReusedError for
    a key that stood for another request.
    A refused claim changes nothing and comes back as judged.
    """
    with prepared_statements() as cursor:
        attempt = partial(
            _attempt, cursor, claim, caller=caller, settings=settings, now=now, request=request, render=render
        )
        recorded = attempt()
        for _ in range(ATTEMPTS):
            if recorded is not None:
                return recorded
            with in_turn(cursor, caller.resident_id):
                recorded = attempt()
    raise psycopg.errors.LockNotAvailable("too many requests of one resident at once")


def _attempt(
    cursor: psycopg.Cursor[Any],
    claim: Claim,
    *,
    caller: Caller,
    settings: Settings,
    now: datetime,
    request: Request,
    render: Render,
) -> Recorded | None:
    catalogue, standing, replay = _read(cursor, claim, caller=caller, request=request)
    if replay is not None:
        return Recorded(None, None, replay=replay)
    (judged,) = judge([claim], standing=standing, catalogue=catalogue, caps=caps_of(settings), now=now).judged
    if not judged.recorded:
        return Recorded(judged, standing)
    body = json.dumps(render(judged, standing))
    try:
        written = cursor.execute(
            _WRITE, _values(judged, settings=settings, now=now, request=request, body=body, version=standing.version)
        )
    except psycopg.errors.UniqueViolation:
        # The same key, or the same client reference, won in between: the next round reads its answer.
        return None
    if written.fetchone() is None:
        return None
    if judged.outcome.status == "credited":
        metrics.AWARDS.labels(judged.rules.code, claim.tier).inc()
    return Recorded(judged, standing, body=body)


def _read(
    cursor: psycopg.Cursor[Any], claim: Claim, *, caller: Caller, request: Request
) -> tuple[Catalogue, Standing, tuple[int, dict[str, Any]] | None]:
    catalogue, rows = _read_rows(cursor, claim, caller=caller, request=request)
    token_epoch, _revision, year_points, taken, key_hash, key_status, key_body = rows[0][-BESIDES:]
    if token_epoch != caller.epoch:
        raise UnauthenticatedError
    standing = standing_of(rows[0])
    for row in rows:
        if row[WALLET_COLUMNS] is not None:
            remember(standing, row[WALLET_COLUMNS:-BESIDES], catalogue=catalogue)
    standing.year_points.clear()
    standing.year_points[claim.day.year] = year_points or 0
    if taken is not None and claim.client_reference:
        standing.known.add(claim.client_reference)
    return catalogue, standing, replayed(request, stored_hash=key_hash, status=key_status, body=key_body)


def _read_rows(
    cursor: psycopg.Cursor[Any], claim: Claim, *, caller: Caller, request: Request
) -> tuple[Catalogue, list[tuple[Any, ...]]]:
    """What the database holds, and the catalogue of that very moment."""
    catalogue = catalogue_service.cached()
    if claim.task not in catalogue.tasks:
        # It may have been added since: only the database knows.
        catalogue = catalogue_service.current()
    while True:
        catalogue.task(claim.task)
        since, until = window([claim], catalogue)
        wanted = {
            "resident_id": caller.resident_id,
            "since": since,
            "until": until,
            "year": claim.day.year,
            "client_reference": claim.client_reference,
            "key": request.key,
        }
        rows = cursor.execute(_READ, wanted).fetchall()
        if not rows:
            raise UnauthenticatedError
        revision = rows[0][1 - BESIDES]
        if revision == catalogue.revision:
            return catalogue, rows
        catalogue = catalogue_service.current(revision)


def _values(
    judged: Judged, *, settings: Settings, now: datetime, request: Request, body: str, version: int
) -> dict[str, Any]:
    claim, outcome, quantified = judged.claim, judged.outcome, judged.outcome.quantification
    return {
        "resident_id": judged.resident_id,
        "version": version,
        "points": outcome.points,
        "co2e_mg": outcome.co2e_mg,
        "counted": 1 if outcome.status == "credited" else 0,
        "expires_on": posting.expiry_of(now, months=settings.points_valid_months),
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
        "now": now,
        "partition": outbox.partition_of(judged.resident_id),
        "key": request.key,
        "request_hash": request.hash,
        "answer_status": 201,
        "body": body if request.key else None,
    }
