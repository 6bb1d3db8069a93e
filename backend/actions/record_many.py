"""Recording many actions as set-based SQL: the same rules, thousands of rows a statement.

Locks the wallets of all residents concerned (in order of their ids), judges in Python against what it read under
those locks, and writes whole tables' worth at a time with COPY. One transaction: all of a page, or nothing of it.
"""

from collections import Counter
from collections.abc import Sequence
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
from backend.actions.rules import Caps
from backend.actions.standing import Standing
from backend.config import Settings
from backend.database import array
from backend.database import cursor as session_cursor
from backend.ledger import posting

REPLACED = "replaced-by-partner"
"""The reason of a declared trip that a partner's better record takes the place of."""
Repeats = Sequence[tuple[int, Claim]]
"""Resident and claim, in the order of their page."""


def record_many(
    claims: dict[int, list[Claim]], *, settings: Settings, now: datetime, repeats: Repeats = ()
) -> list[Judged]:
    """Judge and record the claims of many residents inside the session's transaction, by the catalogue of that moment.

    No external id may stand twice in `claims`. Those whose id does are `repeats`: judged after all others, one by one,
    so that an id is the first one's that counts, whoever it is. Every claim comes back judged. Claims must name tasks
    of the catalogue. Raises psycopg.errors.UniqueViolation where another transaction took one of their external ids
    for another resident at the same moment.
    """
    cursor = session_cursor()
    done: list[Judged] = []
    rest = claims
    while rest or repeats:
        round_ = _Round(caps=caps_of(settings), now=now)
        repeats = round_.judge(rest, repeats, loaded=lock_and_load(cursor, _of_each(rest, repeats)))
        round_.write(cursor, settings=settings)
        rest = round_.rest
        done += round_.judged
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
        """Take in one resident, if anything was recorded; `before` are the `_sums` of before."""
        resident_id, was, is_now, moved = after.resident_id, before[0], after.balance, _sums(after)
        if moved == before:
            return
        self.sums.append((resident_id, *map(sub, moved, before)))
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


class _Round:
    """Claims judged against standings of one moment, up to where declared trips must be reversed first."""

    def __init__(self, *, caps: Caps, now: datetime) -> None:
        self._caps, self._now = caps, now
        self._before: dict[int, tuple[tuple[int, ...], dict[int, int]]] = {}
        self._moves = _Moves()
        self._reversals: list[tuple[int, int]] = []
        self.judged: list[Judged] = []
        self.rest: dict[int, list[Claim]] = {}
        """What waits for the reversals."""

    def judge(self, claims: dict[int, list[Claim]], repeats: Repeats, *, loaded: Loaded) -> Repeats:
        """Judge them; gives the repeats that are left, because something waits that comes before them.

        Nobody needs the standings any more: a third of a page's memory, free before its rows are written.
        """
        left = self._judge_all(claims, repeats, loaded=loaded)
        for resident_id, (before, years) in self._before.items():
            self._moves.add(before, years, after=loaded.standings[resident_id])
        return left

    def write(self, cursor: psycopg.Cursor[Any], *, settings: Settings) -> None:
        """Write what counts, and reverse what `rest` waits for."""
        if self._moves.sums:
            copying.copy_all([one for one in self.judged if one.seq], cursor=cursor, now=self._now)
            expires_on = posting.expiry_of(self._now, months=settings.points_valid_months)
            _move_books(self._moves, cursor=cursor, expires_on=expires_on)
        for resident_id, seq in self._reversals:
            take_back(resident_id=resident_id, seq=seq, reason=REPLACED, by="rules", now=self._now)

    def _judge_all(self, claims: dict[int, list[Claim]], repeats: Repeats, *, loaded: Loaded) -> Repeats:
        for resident_id in sorted(claims):
            self._judge(resident_id, claims[resident_id], loaded=loaded)
        for place, (resident_id, claim) in enumerate(repeats):
            if self.rest:
                return repeats[place:]
            self._judge(resident_id, [claim], loaded=loaded)
        return ()

    def _judge(self, resident_id: int, claims: list[Claim], *, loaded: Loaded) -> None:
        standing, catalogue = loaded.standings[resident_id], loaded.catalogue
        if resident_id not in self._before:
            self._before[resident_id] = _sums(standing), standing.year_points.copy()
        result = judge(claims, standing=standing, catalogue=catalogue, caps=self._caps, now=self._now)
        self.judged += result.judged
        if result.rest:
            self.rest[resident_id] = list(result.rest)
            self._reversals += [(resident_id, trip.seq) for trip in result.reversals]


def _of_each(claims: dict[int, list[Claim]], repeats: Repeats) -> dict[int, list[Claim]]:
    if not repeats:
        return claims
    of_each = {resident_id: [*group] for resident_id, group in claims.items()}
    for resident_id, claim in repeats:
        of_each.setdefault(resident_id, []).append(claim)
    return of_each


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
