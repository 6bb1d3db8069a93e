"""The book of entries: gapless, each begins with the balance that the one before left, each has its one cause."""

from backend.verification.book_sides import FITS
from backend.verification.sides import OF_THE_NAMED

_CHAIN = """
SELECT resident_id, 'entry ' || seq || ': number', (before + 1)::text, seq::text FROM (
    SELECT resident_id, seq, coalesce(lag(seq) OVER w, 0) AS before FROM ledger_entries
    WHERE resident_id = ANY(%(residents)s) WINDOW w AS (PARTITION BY resident_id ORDER BY seq)) AS e
WHERE seq <> before + 1 ORDER BY resident_id, seq
"""
_BALANCE = """
SELECT resident_id, 'entry ' || seq || ': balance after it', (before + points)::text, balance_after::text FROM (
    SELECT resident_id, seq, points, balance_after, coalesce(lag(balance_after) OVER w, 0) AS before FROM ledger_entries
    WHERE resident_id = ANY(%(residents)s) WINDOW w AS (PARTITION BY resident_id ORDER BY seq)) AS e
WHERE balance_after <> before + points ORDER BY resident_id, seq
"""
_LAST = """
SELECT resident_id, what, expected::text, found::text FROM wallets w
CROSS JOIN LATERAL (SELECT coalesce(max(e.seq), 0) AS seq,
    coalesce((array_agg(e.balance_after ORDER BY e.seq DESC))[1], 0) AS balance
    FROM ledger_entries e WHERE e.resident_id = w.resident_id) AS last
CROSS JOIN LATERAL (VALUES ('number of the last entry', w.entry_seq::bigint, last.seq::bigint),
    ('balance after the last entry', w.balance, last.balance)) AS pair (what, expected, found)
WHERE w.resident_id = ANY(%(residents)s) AND expected <> found ORDER BY resident_id
"""
_KINDS = f"""
SELECT e.resident_id, 'entry ' || e.seq || ': account, sign and cause of ' || e.kind, 'those of its kind',
    e.contra || ', ' || e.points || ', ' || e.reference_kind || ' ' || e.reference_id
FROM ledger_entries e WHERE e.resident_id = ANY(%(residents)s) AND ({FITS}) IS NOT TRUE ORDER BY e.resident_id, e.seq
"""  # noqa: S608  the parts are ours
_CAUSES = """
WITH cause AS (
    SELECT resident_id, 'award' AS kind, 'action' AS reference_kind, seq::bigint AS reference_id, points FROM actions
    WHERE resident_id = ANY(%(residents)s) AND status IN ('credited', 'reversed') AND points > 0
    UNION ALL SELECT resident_id, 'reversal', 'action', seq, -points FROM actions
    WHERE resident_id = ANY(%(residents)s) AND status = 'reversed' AND points > 0
    UNION ALL SELECT resident_id, 'redeem', reference_kind, reference_id, -points FROM holds
    WHERE resident_id = ANY(%(residents)s)
    UNION ALL SELECT resident_id, 'return', reference_kind, reference_id, points FROM holds
    WHERE resident_id = ANY(%(residents)s) AND state = 'released'
    UNION ALL SELECT resident_id, 'adjust', 'adjustment', id, points FROM adjustments
    WHERE resident_id = ANY(%(residents)s) AND status = 'approved'),
posted AS (
    SELECT resident_id, kind, reference_kind, reference_id, points FROM ledger_entries
    WHERE resident_id = ANY(%(residents)s) AND kind <> 'expire')
SELECT resident_id, 'points of the ' || kind || ' of ' || reference_kind || ' ' || reference_id,
    coalesce(cause.points::text, 'no entry'), coalesce(posted.points::text, 'no entry')
FROM cause FULL JOIN posted USING (resident_id, kind, reference_kind, reference_id)
WHERE cause.points IS DISTINCT FROM posted.points ORDER BY resident_id, reference_id, kind
"""
_EXPIRED = """
SELECT e.resident_id, 'entry ' || e.seq || ': the lot that expired', 'lot ' || e.reference_id || ', before '
    || (e.posted_at AT TIME ZONE %(zone)s)::date, coalesce('lot of ' || l.expires_on, 'no such lot')
FROM (SELECT * FROM ledger_entries a WHERE {mine} AND a.kind = 'expire') AS e
LEFT JOIN (SELECT *, to_char(a.expires_on, 'YYYYMMDD') AS day FROM lots a WHERE {mine}) AS l
    ON l.resident_id = e.resident_id AND l.day = e.reference_id::text
WHERE (l.expires_on < (e.posted_at AT TIME ZONE %(zone)s)::date) IS NOT TRUE
ORDER BY e.resident_id, e.seq
"""


def expired(which: str) -> str:
    """The statement of what expired that is in no lot, of OF_THE_CHUNK or of OF_THE_NAMED (see `sides`)."""
    return _EXPIRED.format(mine=which)


STATEMENTS = (_CHAIN, _BALANCE, _LAST, _KINDS, _CAUSES, expired(OF_THE_NAMED))
