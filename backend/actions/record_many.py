"""Recording many actions as set-based SQL: the same rules, thousands of rows a statement.

Locks the wallets of all residents concerned (in order of their ids), judges in Python against what it read under
those locks, and writes whole tables' worth at a time with COPY. One transaction: all of a page, or nothing of it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import psycopg

from backend import metrics, outbox
from backend.actions.claim import Claim
from backend.actions.judging import Judged, caps_of, judge
from backend.actions.loading import lock_and_load
from backend.actions.reversing import reverse
from backend.actions.standing import Standing
from backend.catalogue.service import Catalogue
from backend.config import Settings
from backend.database import array
from backend.database import cursor as session_cursor
from backend.emissions.rules import Quantification
from backend.ledger import posting

_COPY_ACTIONS = """
COPY actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at, local_day,
    district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by, partner_id,
    client_reference, evidence, posted_at) FROM STDIN
"""
_COPY_ENTRIES = f"COPY ledger_entries ({posting.ENTRY_COLUMNS}) FROM STDIN"
_COPY_OUTBOX = """
COPY outbox (resident_id, partition, kind, day, task_id, tier, district_id, co2e_mg, points, actions, posted_at)
FROM STDIN
"""
PIECE = 1_000
"""Rows sent to the server at a time."""
NULL = "\\N"
NO_FACTORS = "\\N\t\\N\t\\N"
_COPY_EXTERNAL = "COPY external_events (partner_id, external_id, resident_id, action_seq, received_at) FROM STDIN"


def record_many(
    claims: dict[int, list[Claim]], *, catalogue: Catalogue, settings: Settings, now: datetime
) -> list[Judged]:
    """Judge and record the claims of many residents inside the session's transaction.

    Every claim comes back judged. Claims must name tasks of the catalogue. Raises psycopg.errors.UniqueViolation
    where another transaction took one of their external ids for another resident at the same moment.
    """
    cursor = session_cursor()
    done: list[Judged] = []
    rest = claims
    while rest:
        standings = lock_and_load(cursor, rest, catalogue=catalogue)
        rest, judged = _round(cursor, rest, standings=standings, catalogue=catalogue, settings=settings, now=now)
        done += judged
    awards = Counter((one.rules.code, one.claim.tier) for one in done if one.outcome.status == "credited")
    for (task, tier), times in awards.items():
        metrics.AWARDS.labels(task, tier).inc(times)
    return done


def _round(
    cursor: psycopg.Cursor[Any],
    claims: dict[int, list[Claim]],
    *,
    standings: dict[int, Standing],
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
) -> tuple[dict[int, list[Claim]], list[Judged]]:
    judged: list[Judged] = []
    rest: dict[int, list[Claim]] = {}
    reversals: list[tuple[int, int]] = []
    caps = caps_of(settings)
    for resident_id in sorted(claims):
        standing = standings[resident_id]
        result = judge(claims[resident_id], standing=standing, catalogue=catalogue, caps=caps, now=now)
        judged += result.judged
        if result.rest:
            rest[resident_id] = list(result.rest)
            reversals += [(resident_id, trip.seq) for trip in result.reversals]
    _write([one for one in judged if one.recorded], cursor=cursor, settings=settings, now=now)
    for resident_id, seq in reversals:
        reverse(resident_id=resident_id, seq=seq, reason="replaced by the partner's record", by="rules", now=now)
    return rest, judged


def _write(judged: Sequence[Judged], *, cursor: psycopg.Cursor[Any], settings: Settings, now: datetime) -> None:
    if not judged:
        return
    stamp = now.isoformat()
    _copy(cursor, _COPY_EXTERNAL, (_external_row(one, stamp) for one in judged if one.claim.partner_id is not None))
    _copy(cursor, _COPY_ACTIONS, (_action_row(one, stamp) for one in judged))
    awarded = [one for one in judged if one.outcome.points]
    _copy(cursor, _COPY_ENTRIES, (_entry_row(one, stamp) for one in awarded))
    _copy(cursor, _COPY_OUTBOX, (_outbox_row(one, stamp) for one in judged if one.outcome.status == "credited"))
    _update_books(judged, cursor=cursor, settings=settings, now=now)


def _copy(cursor: psycopg.Cursor[Any], statement: str, rows: Iterator[str]) -> None:
    # In pieces: the server takes in one while the next is being written.
    piece = list(islice(rows, PIECE))
    if not piece:
        return
    with cursor.copy(statement) as copy:
        while piece:
            copy.write("\n".join([*piece, ""]))
            piece = list(islice(rows, PIECE))


def _text(value: str | None) -> str:
    if value is None:
        return NULL
    if value.isprintable() and "\\" not in value:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _plain(value: object) -> object:
    """What needs no escaping: numbers, instants, words of our own."""
    return NULL if value is None else value


def _action_row(one: Judged, stamp: str) -> str:
    claim, outcome, rules = one.claim, one.outcome, one.rules
    whole, thousandths = divmod(outcome.quantity_milli, 1000)
    ended = NULL if claim.ended_at is None else claim.ended_at.isoformat()
    evidence = NULL if claim.evidence is None else _text(json.dumps(claim.evidence))
    return (
        f"{one.resident_id}\t{one.seq}\t{rules.task_id}\t{rules.version_id}\t{claim.tier}\t{outcome.status}\t"
        f"{whole}.{thousandths:03d}\t{claim.happened_at.isoformat()}\t{ended}\t{claim.day.isoformat()}\t"
        f"{_plain(one.district_id)}\t{_factors(outcome.quantification)}\t{outcome.co2e_mg}\t{outcome.points}\t"
        f"{outcome.capped_by or NULL}\t{_plain(claim.partner_id)}\t{_text(claim.client_reference)}\t{evidence}\t{stamp}"
    )


def _factors(used: Quantification | None) -> str:
    if used is None:
        return NO_FACTORS
    return f"{used.methodology_id}\t{used.baseline.id}\t{used.project.id if used.project else NULL}"


def _entry_row(one: Judged, stamp: str) -> str:
    return (
        f"{one.resident_id}\t{one.entry_seq}\taward\tissuance\t{one.outcome.points}\t{one.balance_after}\t"
        f"action\t{one.seq}\t{stamp}"
    )


def _outbox_row(one: Judged, stamp: str) -> str:
    return (
        f"{one.resident_id}\t{outbox.partition_of(one.resident_id)}\taction\t{one.claim.day.isoformat()}\t"
        f"{one.rules.task_id}\t{one.claim.tier}\t{_plain(one.district_id)}\t{one.outcome.co2e_mg}\t"
        f"{one.outcome.points}\t1\t{stamp}"
    )


def _external_row(one: Judged, stamp: str) -> str:
    claim = one.claim
    return f"{claim.partner_id}\t{_text(claim.external_id)}\t{one.resident_id}\t{one.seq}\t{stamp}"


def _update_books(judged: Sequence[Judged], *, cursor: psycopg.Cursor[Any], settings: Settings, now: datetime) -> None:
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    lots: dict[int, int] = defaultdict(int)
    debts: dict[int, int] = {}
    years: dict[tuple[int, int], int] = defaultdict(int)
    for one in judged:
        points, resident = one.outcome.points, one.resident_id
        row = sums[resident]
        row[0] += points
        row[1] += 1 if points else 0
        row[2] += 1
        row[3] += one.outcome.co2e_mg
        row[4] += 1 if one.outcome.status == "credited" else 0
        if points:
            lots[resident] += one.lot_points
            years[resident, one.claim.day.year] += points
            if one.lot_points < points:
                debts[resident] = min(0, one.balance_after)
    columns = [array(column) for column in zip(*sums.values(), strict=True)]
    cursor.execute(posting.UPDATE_WALLETS, (array(sums), *columns))
    positive = {resident: points for resident, points in lots.items() if points > 0}
    if positive:
        expires_on = posting.expiry_of(now, months=settings.points_valid_months)
        cursor.execute(posting.ADD_TO_LOTS, (expires_on, array(positive), array(positive.values())))
    if debts:
        cursor.execute(posting.PAY_DEBTS, (array(debts), array(debts.values())))
    if years:
        owners, of_years = zip(*years, strict=True)
        cursor.execute(posting.ADD_TO_YEARS, (array(owners), array(of_years), array(years.values())))
