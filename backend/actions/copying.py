"""Rows of recorded actions in the text form of COPY, and sending them: all that an action writes but running sums."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import psycopg

from backend import outbox
from backend.actions.judging import Judged
from backend.emissions.rules import Quantification
from backend.ledger import posting

EXTERNAL_EVENTS = "COPY external_events (partner_id, external_id, resident_id, action_seq, received_at) FROM STDIN"
ACTIONS = """
COPY actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at, local_day,
    district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by, partner_id,
    client_reference, evidence, posted_at) FROM STDIN
"""
ENTRIES = f"COPY ledger_entries ({posting.ENTRY_COLUMNS}) FROM STDIN"
OUTBOX = """
COPY outbox (resident_id, partition, kind, day, task_id, tier, district_id, co2e_mg, points, actions, posted_at)
FROM STDIN
"""
PIECE = 1_000
"""Rows sent to the server at a time: it takes in one piece while the next is being written."""
NULL = "\\N"
NO_FACTORS = "\\N\t\\N\t\\N"

_day = lru_cache(maxsize=4_096)(date.isoformat)


def copy_all(judged: Sequence[Judged], *, cursor: psycopg.Cursor[Any], now: datetime) -> None:
    """Write the rows of recorded actions: external ids first, for there two transactions may meet."""
    stamp = now.isoformat()
    _copy(cursor, EXTERNAL_EVENTS, (_external(one, stamp) for one in judged if one.claim.partner_id is not None))
    _copy(cursor, ACTIONS, (_action(one, stamp) for one in judged))
    _copy(cursor, ENTRIES, (_entry(one, stamp) for one in judged if one.outcome.points))
    _copy(cursor, OUTBOX, (_delta(one, stamp) for one in judged if one.outcome.status == "credited"))


def _copy(cursor: psycopg.Cursor[Any], statement: str, rows: Iterator[str]) -> None:
    piece = list(islice(rows, PIECE))
    if not piece:
        return
    with cursor.copy(statement) as copy:
        while piece:
            copy.write("".join(piece))
            piece = list(islice(rows, PIECE))


def _text(value: str) -> str:
    if value.isprintable() and "\\" not in value:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _external(one: Judged, stamp: str) -> str:
    claim = one.claim
    return f"{claim.partner_id}\t{_text(claim.external_id or '')}\t{one.resident_id}\t{one.seq}\t{stamp}\n"


def _action(one: Judged, stamp: str) -> str:
    claim, rules, outcome, resident_id, seq, _, _, district_id = one
    status, _, co2e_mg, points, capped_by, quantity, used, _ = outcome
    return (
        f"{resident_id}\t{seq}\t{rules.task_id}\t{rules.version_id}\t{claim.tier}\t{status}\t{quantity}e-3\t"
        f"{claim.happened_at.isoformat()}\t{NULL if claim.ended_at is None else claim.ended_at.isoformat()}\t"
        f"{_day(claim.day)}\t{NULL if district_id is None else district_id}\t"
        f"{NO_FACTORS if used is None else _factors(used)}\t{co2e_mg}\t{points}\t{capped_by or NULL}\t"
        f"{claim.partner_id or NULL}\t{_own(claim.client_reference, claim.evidence)}\t{stamp}\n"
    )


def _own(client_reference: str | None, evidence: dict[str, Any] | None) -> str:
    """What only residents' own claims have."""
    if client_reference is None and evidence is None:
        return NOTHING
    reference = NULL if client_reference is None else _text(client_reference)
    return f"{reference}\t{NULL if evidence is None else _text(json.dumps(evidence))}"


NOTHING = f"{NULL}\t{NULL}"


def _factors(used: Quantification) -> str:
    return f"{used.methodology_id}\t{used.baseline.id}\t{used.project.id if used.project else NULL}"


def _entry(one: Judged, stamp: str) -> str:
    _, _, outcome, resident_id, seq, entry_seq, balance, _ = one
    return f"{resident_id}\t{entry_seq}\taward\tissuance\t{outcome.points}\t{balance}\taction\t{seq}\t{stamp}\n"


def _delta(one: Judged, stamp: str) -> str:
    claim, rules, outcome, resident_id, _, _, _, district_id = one
    return (
        f"{resident_id}\t{outbox.partition_of(resident_id)}\taction\t{_day(claim.day)}\t{rules.task_id}\t"
        f"{claim.tier}\t{NULL if district_id is None else district_id}\t{outcome.co2e_mg}\t{outcome.points}\t1\t"
        f"{stamp}\n"
    )
