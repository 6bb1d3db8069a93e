"""Expiring what is due, of many residents: a few statements for hundreds of lots.

A lot whose last day has passed is closed, so that nobody looks at it again: past lots only ever become more.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from backend import clock
from backend.database import array, cursor, unhurried
from backend.ledger import posting
from backend.outbox import MOVEMENT_COLUMNS, PARTITIONS

LotKey = tuple[int, date]
"""A resident, and the last day of the lot."""

_FIND = """
SELECT resident_id, expires_on FROM lots
WHERE expires_on < %s AND NOT closed AND resident_id <> ALL(%s::bigint[]) ORDER BY expires_on LIMIT %s
"""
_LOCK = """
SELECT FROM wallets WHERE resident_id = ANY(%(owners)s::bigint[]) ORDER BY resident_id FOR NO KEY UPDATE
"""
_EXPIRE = f"""
WITH past AS MATERIALIZED (
    SELECT l.resident_id, l.expires_on, l.remaining, w.balance, w.entry_seq
    FROM unnest(%(owners)s::bigint[], %(days)s::date[]) AS d (resident_id, expires_on)
    JOIN lots l USING (resident_id, expires_on) JOIN wallets w USING (resident_id)
    WHERE NOT l.closed AND l.expires_on < %(today)s),
lot AS (
    UPDATE lots SET remaining = 0, closed = true FROM past
    WHERE lots.resident_id = past.resident_id AND lots.expires_on = past.expires_on),
due AS MATERIALIZED (
    SELECT resident_id, expires_on, remaining, entry_seq + row_number() OVER so_far AS seq,
        balance - sum(remaining) OVER so_far AS balance
    FROM past WHERE remaining > 0 WINDOW so_far AS (PARTITION BY resident_id ORDER BY expires_on)),
wallet AS (
    UPDATE wallets SET balance = wallets.balance - d.points, expired = wallets.expired + d.points,
        entry_seq = wallets.entry_seq + d.entries, version = wallets.version + 1
    FROM (SELECT resident_id, sum(remaining) AS points, count(*) AS entries FROM due GROUP BY resident_id) AS d
    WHERE wallets.resident_id = d.resident_id),
entry AS (
    INSERT INTO ledger_entries ({posting.ENTRY_COLUMNS})
    SELECT resident_id, seq, 'expire', 'expiry', -remaining, balance, 'lot',
        to_char(expires_on, 'YYYYMMDD')::bigint, %(now)s
    FROM due),
out AS (
    INSERT INTO outbox ({MOVEMENT_COLUMNS})
    SELECT resident_id, resident_id %% {PARTITIONS}, 'expire', %(today)s, 0, remaining, 0, %(now)s
    FROM due ORDER BY resident_id, expires_on)
SELECT (SELECT count(*) FROM past), (SELECT count(*) FROM due)
"""  # noqa: S608  the parts are ours


class Expired(NamedTuple):
    """How many lots were closed, and of how many of them points were left, which were posted as expired."""

    closed: int
    posted: int


def find_due(*, now: datetime, limit: int, but: Collection[int] = ()) -> list[LotKey]:
    """Up to `limit` lots whose last day has passed and that are not closed; resident by resident, earlier days first.

    Lots of the residents in `but` are left out. Ask for many at once: each call passes over whatever was closed since
    the table was vacuumed.
    """
    unhurried()
    found: list[LotKey] = cursor().execute(_FIND, (clock.local_day(now), array(but), limit)).fetchall()
    return sorted(found)


def expire(lots: Sequence[LotKey], *, now: datetime) -> Expired:
    """Close these lots, and post what is left in them as expired. Those that are not due, or closed, stay as they are.

    What is held is not in a lot any more. Wallets are locked in order of the residents' ids, as everywhere: so no two
    of us can wait for each other. The lock has a statement of its own: the next sees what those before have left.
    """
    owners, days = zip(*lots, strict=True)
    values = {"owners": array(owners), "days": array(days), "today": clock.local_day(now), "now": now}
    session = cursor()
    session.execute(_LOCK, values)
    closed, posted = session.execute(_EXPIRE, values).fetchone() or (0, 0)
    return Expired(closed, posted)
