"""The wallet, running state of both books: every column follows from, or agrees with, rows that are kept elsewhere."""

_OWNERS = """
SELECT coalesce(r.resident_id, w.resident_id), 'resident and wallet', 'both',
    CASE WHEN w.resident_id IS NULL THEN 'no wallet' ELSE 'no resident' END
FROM (SELECT resident_id FROM residents WHERE resident_id = ANY(%(residents)s)) AS r
FULL JOIN (SELECT resident_id FROM wallets WHERE resident_id = ANY(%(residents)s)) AS w USING (resident_id)
WHERE r.resident_id IS NULL OR w.resident_id IS NULL ORDER BY 1
"""
_WITHOUT = """
SELECT x.resident_id, 'rows of ' || x.name, 'a wallet for them', 'no wallet' FROM (
    SELECT resident_id, 'actions' AS name FROM actions WHERE resident_id = ANY(%(residents)s)
    UNION SELECT resident_id, 'entries' FROM ledger_entries WHERE resident_id = ANY(%(residents)s)
    UNION SELECT resident_id, 'lots' FROM lots WHERE resident_id = ANY(%(residents)s)
    UNION SELECT resident_id, 'redemptions' FROM redemptions WHERE resident_id = ANY(%(residents)s)) AS x
WHERE NOT EXISTS (SELECT FROM wallets w WHERE w.resident_id = x.resident_id) ORDER BY 1, 2
"""
_FROZEN = """
SELECT w.resident_id, what, expected::text, found::text FROM wallets w JOIN residents r USING (resident_id)
CROSS JOIN LATERAL (VALUES ('frozen, as who has left is', w.frozen OR r.state = 'erased', w.frozen),
    ('hidden from others, as who is frozen is', w.frozen AND r.state = 'active', r.hidden))
    AS pair (what, expected, found)
WHERE w.resident_id = ANY(%(residents)s) AND expected <> found ORDER BY w.resident_id
"""
_POINTS = """
SELECT w.resident_id, what, expected::text, found::text FROM wallets w
CROSS JOIN LATERAL (SELECT coalesce(sum(e.points) FILTER (WHERE e.contra = 'issuance'), 0) AS earned,
    -coalesce(sum(e.points) FILTER (WHERE e.contra = 'redemption'), 0) AS spent,
    -coalesce(sum(e.points) FILTER (WHERE e.contra = 'expiry'), 0) AS expired,
    coalesce(sum(e.points) FILTER (WHERE e.contra = 'adjustment'), 0) AS adjusted, coalesce(sum(e.points), 0) AS balance
    FROM ledger_entries e WHERE e.resident_id = w.resident_id) AS e
CROSS JOIN LATERAL (SELECT coalesce(sum(h.points), 0) AS held FROM holds h
    WHERE h.resident_id = w.resident_id AND h.state = 'held') AS h
CROSS JOIN LATERAL (VALUES ('balance', e.balance, w.balance), ('earned', e.earned, w.earned),
    ('spent', e.spent, w.spent), ('expired', e.expired, w.expired),
    ('adjusted', e.adjusted, w.adjusted), ('held', h.held, w.held))
    AS pair (what, expected, found)
WHERE w.resident_id = ANY(%(residents)s) AND expected <> found ORDER BY w.resident_id
"""
_ACTIONS = """
SELECT w.resident_id, what, expected::text, found::text FROM wallets w
CROSS JOIN LATERAL (SELECT coalesce(max(a.seq), 0) AS last, count(*) AS rows, coalesce(min(a.seq), 1) AS first,
    count(*) FILTER (WHERE a.status = 'credited') AS credited,
    coalesce(sum(a.co2e_mg) FILTER (WHERE a.status = 'credited'), 0) AS co2e_mg,
    coalesce(sum(a.points) FILTER (WHERE a.status = 'credited'), 0) AS points
    FROM actions a WHERE a.resident_id = w.resident_id) AS a
CROSS JOIN LATERAL (SELECT coalesce(max(d.seq), 0) AS last, count(*) AS rows FROM redemptions d
    WHERE d.resident_id = w.resident_id) AS d
CROSS JOIN LATERAL (VALUES ('number of the last action', a.last, w.action_seq::numeric),
    ('actions from 1 to the last, without gaps', w.action_seq, a.rows), ('number of the first action', 1, a.first),
    ('credited actions', a.credited, w.actions), ('milligrams', a.co2e_mg, w.co2e_mg),
    ('earned by credited actions', a.points, w.earned), ('number of the last redemption', d.last, w.redemption_seq),
    ('redemptions from 1 to the last, without gaps', w.redemption_seq, d.rows)) AS pair (what, expected, found)
WHERE w.resident_id = ANY(%(residents)s) AND expected <> found ORDER BY w.resident_id
"""
_YEARS = """
SELECT resident_id, 'points of ' || year, coalesce(a.points, 0)::text, coalesce(n.points, 0)::text FROM (
    SELECT resident_id, extract(year FROM local_day)::int AS year, sum(points) AS points FROM actions
    WHERE resident_id = ANY(%(residents)s) AND status = 'credited' GROUP BY 1, 2) AS a
FULL JOIN (SELECT resident_id, year::int, points FROM yearly_points WHERE resident_id = ANY(%(residents)s)) AS n
    USING (resident_id, year)
WHERE coalesce(a.points, 0) <> coalesce(n.points, 0) ORDER BY resident_id, year
"""
STATEMENTS = (_OWNERS, _WITHOUT, _FROZEN, _POINTS, _ACTIONS, _YEARS)
