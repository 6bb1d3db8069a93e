"""Recording many actions as set-based SQL: the same rules, thousands of rows a statement.

Locks the wallets of all residents concerned (in order of their ids), judges in Python against what it read under
those locks, and writes whole tables' worth at a time with COPY. One transaction: all of a page, or nothing of it.
"""

from collections import Counter
from datetime import date, datetime
from operator import sub
from typing import Any

import psycopg

from backend import metrics
from backend.actions import copying
from backend.actions.claim import Claim
from backend.actions.judging import Judged, caps_of, judge
from backend.actions.loading import Loaded, lock_and_load
from backend.actions.reversing import take_back
from backend.actions.standing import Standing
from backend.config import Settings
from backend.database import array
from backend.database import cursor as session_cursor
from backend.ledger import posting

REPLACED = "replaced-by-partner"
"""The reason of a declared trip that a partner's better record takes the place of."""


def record_many(claims: dict[int, list[Claim]], *, settings: Settings, now: datetime) -> list[Judged]:
    """Judge and record the claims of many residents inside the session's transaction, by the catalogue of that moment.

    Every claim comes back judged. Claims must name tasks of the catalogue. Raises psycopg.errors.UniqueViolation
    where another transaction took one of their external ids for another resident at the same moment.
    """
    cursor = session_cursor()
    done: list[Judged] = []
    rest = claims
    while rest:
        loaded = lock_and_load(cursor, rest)
        rest, judged = _round(cursor, rest, loaded=loaded, settings=settings, now=now)
        done += judged
    awards = Counter((one.rules.code, one.claim.tier) for one in done if one.outcome.status == "credited")
    for (task, tier), times in awards.items():
        metrics.AWARDS.labels(task, tier).inc(times)
    return done


class _Moves:
    """What a round moves in the running sums: columns for the statements that move them."""

    def __init__(self) -> None:
        self.sums: list[tuple[int, ...]] = []
        self.lots: list[tuple[int, ...]] = []
        self.debts: list[tuple[int, ...]] = []
        self.years: list[tuple[int, ...]] = []

    def add(self, before: tuple[int, ...], years_before: dict[int, int], *, after: Standing) -> None:
        """Take in one resident; `before` are the `_sums` of before."""
        resident_id, was, is_now = after.resident_id, before[0], after.balance
        self.sums.append((resident_id, *map(sub, _sums(after), before)))
        if was == is_now:
            return
        # What comes in pays a debt first; only what is left goes into a lot.
        if is_now > 0:
            self.lots.append((resident_id, is_now - max(was, 0)))
        if was < 0:
            self.debts.append((resident_id, min(is_now, 0)))
        for year, points in after.year_points.items():
            if points != years_before.get(year, 0):
                self.years.append((resident_id, year, points - years_before.get(year, 0)))


def _sums(standing: Standing) -> tuple[int, ...]:
    return (standing.balance, standing.entry_seq, standing.action_seq, standing.co2e_mg, standing.actions)


def _round(
    cursor: psycopg.Cursor[Any],
    claims: dict[int, list[Claim]],
    *,
    loaded: Loaded,
    settings: Settings,
    now: datetime,
) -> tuple[dict[int, list[Claim]], list[Judged]]:
    judged: list[Judged] = []
    rest: dict[int, list[Claim]] = {}
    reversals: list[tuple[int, int]] = []
    moves = _Moves()
    caps = caps_of(settings)
    for resident_id in sorted(claims):
        standing = loaded.standings[resident_id]
        before, years = _sums(standing), standing.year_points.copy()
        result = judge(claims[resident_id], standing=standing, catalogue=loaded.catalogue, caps=caps, now=now)
        judged += result.judged
        if any(one.seq for one in result.judged):
            moves.add(before, years, after=standing)
        if result.rest:
            rest[resident_id] = list(result.rest)
            reversals += [(resident_id, trip.seq) for trip in result.reversals]
    if moves.sums:
        copying.copy_all([one for one in judged if one.seq], cursor=cursor, now=now)
        _move_books(moves, cursor=cursor, expires_on=posting.expiry_of(now, months=settings.points_valid_months))
    for resident_id, seq in reversals:
        take_back(resident_id=resident_id, seq=seq, reason=REPLACED, by="rules", now=now)
    return rest, judged


def _move_books(moves: _Moves, *, cursor: psycopg.Cursor[Any], expires_on: date) -> None:
    with cursor.connection.pipeline():
        cursor.execute(posting.UPDATE_WALLETS, _columns(moves.sums))
        if moves.lots:
            cursor.execute(posting.ADD_TO_LOTS, (expires_on, *_columns(moves.lots)))
        if moves.debts:
            cursor.execute(posting.PAY_DEBTS, _columns(moves.debts))
        if moves.years:
            cursor.execute(posting.ADD_TO_YEARS, _columns(moves.years))


def _columns(rows: list[tuple[int, ...]]) -> list[str]:
    return [array(column) for column in zip(*rows, strict=True)]
