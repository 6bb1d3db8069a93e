"""Rows of recorded actions in the text form of COPY, and sending them: all that an action writes but running sums."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg

from backend import outbox
from backend.actions.judging import Judged
from backend.emissions.rules import Quantification
from backend.ledger import posting
from backend.outbox import partition_of

EXTERNAL_EVENTS = "COPY external_events (partner_id, external_id, resident_id, action_seq, received_at) FROM STDIN"
ACTIONS = """
COPY actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at, local_day,
    district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by, partner_id,
    client_reference, evidence, posted_at) FROM STDIN
"""
ENTRIES = f"COPY ledger_entries ({posting.ENTRY_COLUMNS}) FROM STDIN"
OUTBOX = f"""
COPY outbox ({outbox.COLUMNS})
FROM STDIN
"""
NULL = "\\N"
NO_FACTORS = "\\N\t\\N\t\\N"

_day = lru_cache(maxsize=4_096)(date.isoformat)
# Put together from these, a time takes a third of what isoformat takes; there are two in most rows.
_MINUTES = [[f"T{hour:02}:{minute:02}:" for minute in range(60)] for hour in range(24)]
_SECONDS = [f"{second:02}+00:00" for second in range(60)]


def copy_all(judged: Sequence[Judged], *, cursor: psycopg.Cursor[Any], now: datetime) -> None:
    """Write the rows of recorded actions: external ids first, for there two transactions may meet."""
    stamp = now.isoformat()
    rows = _Rows([], [], [], {})
    for one in judged:
        _add(one, rows, stamp)
    lines_of = (rows.external_events, rows.actions, rows.entries, _deltas(rows.gains, stamp))
    for statement, lines in zip((EXTERNAL_EVENTS, ACTIONS, ENTRIES, OUTBOX), lines_of, strict=True):
        if lines:
            with cursor.copy(statement) as copy:
                copy.write("".join(lines))


class _Rows(NamedTuple):
    external_events: list[str]
    actions: list[str]
    entries: list[str]
    gains: dict[tuple[Any, ...], list[int]]
    """Resident, day, task, tier and district → milligrams, points and actions that projections gain."""


def _add(one: Judged, rows: _Rows, stamp: str) -> None:
    # One function for all: each is called for every event, and they share what takes time to write.
    claim, rules, outcome, resident_id, seq, entry_seq, balance, district_id = one
    status, _, co2e_mg, points, capped_by, quantity, used, _ = outcome
    task_id, tier, partner_id = rules.task_id, claim.tier, claim.partner_id
    day, district = _day(claim.day), NULL if district_id is None else district_id
    rows.actions.append(
        f"{resident_id}\t{seq}\t{task_id}\t{rules.version_id}\t{tier}\t{status}\t{quantity}e-3\t"
        f"{_instant(claim.happened_at)}\t{NULL if claim.ended_at is None else _instant(claim.ended_at)}\t{day}\t"
        f"{district}\t{NO_FACTORS if used is None else _factors(used)}\t{co2e_mg}\t{points}\t{capped_by or NULL}\t"
        f"{partner_id or NULL}\t{_own(claim.client_reference, claim.evidence)}\t{stamp}\n"
    )
    if partner_id is not None:
        external_id = _text(claim.external_id or "")
        rows.external_events.append(f"{partner_id}\t{external_id}\t{resident_id}\t{seq}\t{stamp}\n")
    if points:
        rows.entries.append(
            f"{resident_id}\t{entry_seq}\taward\tissuance\t{points}\t{balance}\taction\t{seq}\t{stamp}\n"
        )
    if status == "credited":
        gain = rows.gains.get(key := (resident_id, day, task_id, tier, district))
        if gain is None:
            rows.gains[key] = [co2e_mg, points, 1]
        else:
            gain[0] += co2e_mg
            gain[1] += points
            gain[2] += 1


def _deltas(gains: Mapping[tuple[Any, ...], Sequence[int]], stamp: str) -> list[str]:
    """One row of the outbox for what goes to the same sums: who rides twice a day is folded once."""
    return [
        f"{resident_id}\t{partition_of(resident_id)}\taction\t{day}\t{task_id}\t{tier}\t{district}\t{co2e_mg}\t{points}\t"
        f"{actions}\t{stamp}\n"
        for (resident_id, day, task_id, tier, district), (co2e_mg, points, actions) in gains.items()
    ]


def _instant(instant: datetime) -> str:
    if instant.tzinfo is not UTC or instant.microsecond:
        return instant.isoformat()
    return f"{_day(instant.date())}{_MINUTES[instant.hour][instant.minute]}{_SECONDS[instant.second]}"


def _text(value: str) -> str:
    if value.isprintable() and "\\" not in value:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _own(client_reference: str | None, evidence: dict[str, Any] | None) -> str:
    """What only residents' own claims have."""
    if client_reference is None and evidence is None:
        return NOTHING
    reference = NULL if client_reference is None else _text(client_reference)
    return f"{reference}\t{NULL if evidence is None else _text(json.dumps(evidence))}"


NOTHING = f"{NULL}\t{NULL}"


@lru_cache(maxsize=4_096)
def _factors(used: Quantification) -> str:
    return f"{used.methodology_id}\t{used.baseline.id}\t{used.project.id if used.project else NULL}"
