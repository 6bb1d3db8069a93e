"""The verb: screen everything, name what differs."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from backend import clock, verified
from backend.database import transaction
from backend.database.abreast import Cursor, cores
from backend.database.connections import is_unavailable, unwrapped
from backend.ledger import ranges
from backend.ledger.ranges import Range
from backend.verification import actions, boards, city, entries, limits, lots, naming, redemptions, trips
from backend.verification.difference import Checked, Difference
from backend.verification.fingerprints import PRIME, parameters
from backend.verification.screening import SCREEN
from backend.verification.sides import OF_THE_CHUNK
from backend.verification.snapshot import Snapshot, snapshot

ACTIONS_AT_ONCE = 3_000_000
"""Actions a chunk: half a minute of one processor. Every chunk reads the tables anew, so there should be few."""
SMALL = 20_000
MOST_WORKERS = 4
_log = structlog.get_logger()

Tell = Callable[[str, int, int], None]
"""Told what is done now, and how many steps of how many are done."""

_SUSPECTS = "SELECT array_agg(DISTINCT resident_id ORDER BY resident_id) FROM ({found}) AS found (resident_id, a, b, c)"
_EVERYBODY = """
SELECT (SELECT count(*) FROM wallets w WHERE {mine}), (SELECT count(*) FROM actions w WHERE {mine}),
    (SELECT count(*) FROM ledger_entries w WHERE {mine}), NULL,
    (SELECT array_agg(resident_id) FROM wallets w WHERE {mine})
""".format(mine="w.resident_id BETWEEN %(first)s AND %(last)s")  # noqa: S608  the parts are ours


@dataclass(frozen=True, slots=True)
class Screened:
    """What one screen found: rows looked at, its part of the city's sums (None: unknown), and who must be looked at."""

    residents: int = 0
    actions: int = 0
    entries: int = 0
    city: int | None = 0
    suspects: tuple[int, ...] = ()
    certain: bool = False
    """Whether the suspects' books differ for sure, so that some book must say where."""


def verify(
    *, workers: int | None = None, tell: Tell | None = None, checked: Checked | None = None
) -> Iterator[Difference]:
    """Recompute every invariant as of one moment, and yield each difference.

    Requests may run meanwhile. Memory stays flat here and in PostgreSQL. `checked` counts what was looked at. When the
    last difference has been taken, their number is written down, for the alarm. Where the database takes no writes
    (a standby), the log says so: what was found is worth more.
    """
    seen, told = checked or Checked(), tell or _silent
    found = 0
    values: dict[str, Any] = {
        **parameters(),
        **actions.PARAMETERS,
        "zone": clock.city_zone().key,
        "last_day": (clock.local_day(clock.now()) + timedelta(days=2)).isoformat(),
    }
    count = workers or min(MOST_WORKERS, cores())
    with snapshot(workers=count) as view:
        for difference in _of_database(view, values=values, workers=count, seen=seen, tell=told):
            found += 1
            yield difference
    told("boards", 0, 1)
    for difference in boards.differences(seen):
        found += 1
        yield difference
    told("boards", 1, 1)
    _write_down(seen, differences=found, as_of=view.as_of)


def _write_down(seen: Checked, *, differences: int, as_of: datetime) -> None:
    try:
        with transaction():
            verified.tell(as_of=as_of, differences=differences, **asdict(seen))
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        _log.warning("the alarm is not told what verify has found", reason=str(unwrapped(error)))


def _of_database(
    view: Snapshot, *, values: dict[str, Any], workers: int, seen: Checked, tell: Tell
) -> Iterator[Difference]:
    chunks = _chunks(view.cursor, workers=workers)
    jobs = [partial(screen, chunk=chunk, values=values) for chunk in chunks for screen in _SCREENS]
    left: int | None = 0
    suspects: dict[int, bool] = {}
    for place, screened in enumerate(view.each(jobs), 1):
        tell("books", place, len(jobs))
        seen.residents += screened.residents
        seen.actions += screened.actions
        seen.entries += screened.entries
        left = None if left is None or screened.city is None else left + screened.city
        for who in screened.suspects:
            suspects[who] = suspects.get(who, False) or screened.certain
        if place % len(_SCREENS) == 0:
            yield from naming.differences(view.cursor, suspects, parameters=values)
            suspects.clear()
    tell("city", 0, 1)
    if left is None or (left - _one(view.cursor, city.TOLD, values)) % PRIME:
        yield from city.differences(view.cursor, parameters=values)
    yield from redemptions.differences_of_rewards(view.cursor)
    tell("city", 1, 1)


def _chunks(cursor: Cursor, *, workers: int) -> list[Range]:
    last, size = ranges.size(cursor)
    return ranges.cut(last, parts=1 if size < SMALL else max(workers, -(-size // ACTIONS_AT_ONCE)))


def _of_books(cursor: Cursor, *, chunk: Range, values: dict[str, Any]) -> Screened:
    given = _within(chunk, values)
    try:
        with cursor.connection.transaction():
            row = cursor.execute(SCREEN, given, prepare=False).fetchone()
        certain = True
    except psycopg.DataError:
        # Some number is so absurd that the sums overflow: everybody of the chunk is looked at, in exact arithmetic.
        row, certain = cursor.execute(_EVERYBODY, given).fetchone(), False
    residents, rows, entries, left, suspects = row or (0, 0, 0, 0, None)
    return Screened(residents, rows, entries, left, tuple(suspects or ()), certain)


def _of_statement(cursor: Cursor, *, chunk: Range, values: dict[str, Any], statement: str) -> Screened:
    found = cursor.execute(_SUSPECTS.format(found=statement), _within(chunk, values), prepare=False).fetchone()
    return Screened(suspects=tuple((found and found[0]) or ()))


_SCREENS: tuple[Callable[..., Screened], ...] = (
    _of_books,
    partial(_of_statement, statement=limits.of(OF_THE_CHUNK)),
    partial(_of_statement, statement=trips.of(OF_THE_CHUNK)),
    partial(_of_statement, statement=entries.expired(OF_THE_CHUNK)),
    partial(_of_statement, statement=lots.held(OF_THE_CHUNK)),
)


def _within(chunk: Range, values: dict[str, Any]) -> dict[str, Any]:
    return {**values, **chunk._asdict()}


def _one(cursor: Cursor, statement: str, values: dict[str, Any]) -> int:
    row = cursor.execute(statement, values, prepare=False).fetchone()
    return int(row[0]) if row else 0


def _silent(what: str, done: int, of: int) -> None:
    """Told nothing."""
