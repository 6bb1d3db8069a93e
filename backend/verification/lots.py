"""Lots: what they hold is the balance, and what expired or was taken from one names it."""

from backend.ledger.models import DEBT
from backend.verification.sides import OF_THE_NAMED

_SUM = """
SELECT w.resident_id, 'sum of the lots', w.balance::text, l.remaining::text FROM wallets w
CROSS JOIN LATERAL (SELECT coalesce(sum(remaining), 0) AS remaining FROM lots WHERE resident_id = w.resident_id) AS l
WHERE w.resident_id = ANY(%(residents)s) AND l.remaining <> w.balance ORDER BY w.resident_id
"""
_DEBT = f"""
SELECT l.resident_id, 'other lots beside a debt', '0', sum(l.remaining) FILTER (WHERE l.remaining > 0)::text FROM lots l
WHERE l.resident_id = ANY(%(residents)s) GROUP BY l.resident_id HAVING min(l.remaining) < 0 AND max(l.remaining) > 0
UNION ALL
SELECT resident_id, 'lot of ' || expires_on, CASE WHEN remaining < 0 THEN '0 or more' ELSE '0 or less' END,
    remaining::text FROM lots
WHERE resident_id = ANY(%(residents)s) AND remaining <> 0 AND (remaining < 0) <> (expires_on = DATE '{DEBT}')
ORDER BY 1
"""  # noqa: S608  a constant of ours
_CLOSED = """
SELECT resident_id, 'lot of ' || expires_on || ': closed', 'empty, and its day is over', remaining || ' points'
FROM lots WHERE resident_id = ANY(%(residents)s) AND closed AND (remaining <> 0 OR expires_on >= %(last_day)s::date)
ORDER BY resident_id, expires_on
"""
# What no lot of that day is, and what is no list of days and points, adds nothing.
_HELD = """
SELECT h.resident_id, 'hold of ' || h.reference_kind || ' ' || h.reference_id || ': lots',
    h.points || ' points of lots', h.lots::text
FROM (
    SELECT a.resident_id, a.reference_kind, a.reference_id, a.points, a.lots, part->>0 AS day,
        CASE WHEN jsonb_typeof(part->1) = 'number' THEN (part->>1)::numeric END AS taken
    FROM holds a LEFT JOIN LATERAL jsonb_path_query(a.lots, '$[*]') AS part ON TRUE WHERE {mine}) AS h
LEFT JOIN (SELECT a.resident_id, to_char(a.expires_on, 'YYYY-MM-DD') AS day FROM lots a WHERE {mine}) AS l
    ON l.resident_id = h.resident_id AND l.day = h.day
GROUP BY h.resident_id, h.reference_kind, h.reference_id, h.points, h.lots
HAVING h.points IS DISTINCT FROM sum(h.taken) FILTER (WHERE l.day IS NOT NULL AND h.taken > 0)
ORDER BY h.resident_id, h.reference_id
"""


def held(which: str) -> str:
    """The statement of holds whose points are not of lots, of OF_THE_CHUNK or of OF_THE_NAMED (see `sides`)."""
    return _HELD.format(mine=which)


STATEMENTS = (_SUM, _DEBT, _CLOSED, held(OF_THE_NAMED))
