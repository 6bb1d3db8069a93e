"""Every invariant of points, grams, gifts and projections, in SQL and plain Python that share nothing with the code."""

from sqlalchemy import text

from backend.database import db
from tests.books import differences
from tests.projections import expected_now, projected, waiting
from tests.rewards.stock_books import HOLDS, OWNERS, PRICES, STOCK

WRONG = """
WITH e AS (
    SELECT resident_id, count(*) AS entries, min(seq) AS first, max(seq) AS last,
        coalesce(sum(points) FILTER (WHERE contra = 'issuance'), 0) AS earned,
        -coalesce(sum(points) FILTER (WHERE contra = 'redemption'), 0) AS spent,
        -coalesce(sum(points) FILTER (WHERE contra = 'expiry'), 0) AS expired,
        coalesce(sum(points) FILTER (WHERE contra = 'adjustment'), 0) AS adjusted
    FROM ledger_entries GROUP BY resident_id),
years AS (
    SELECT resident_id, extract(year FROM local_day)::int AS year, sum(points) AS points
    FROM actions WHERE status = 'credited' GROUP BY 1, 2)
SELECT 'a number of an entry is missing', resident_id FROM e WHERE first <> 1 OR last <> entries
UNION ALL
SELECT 'the wallet is not the sums of its entries', w.resident_id FROM wallets w LEFT JOIN e USING (resident_id)
WHERE (w.earned, w.spent, w.expired, w.adjusted) IS DISTINCT FROM
    (coalesce(e.earned, 0), coalesce(e.spent, 0), coalesce(e.expired, 0), coalesce(e.adjusted, 0))
UNION ALL
SELECT 'balance after', resident_id FROM (
    SELECT resident_id, balance_after, sum(points) OVER (PARTITION BY resident_id ORDER BY seq) AS running
    FROM ledger_entries) AS r WHERE balance_after <> running
UNION ALL
SELECT 'issued <> outstanding + redeemed + expired - adjusted', 0 FROM
    (SELECT coalesce(sum(earned - spent - expired + adjusted), 0) AS booked FROM e) AS b,
    (SELECT coalesce(sum(remaining), 0) AS outstanding FROM lots) AS l WHERE booked <> outstanding
UNION ALL
SELECT 'yearly points', resident_id FROM years y FULL JOIN yearly_points p USING (resident_id, year)
WHERE coalesce(y.points, 0) <> coalesce(p.points, 0)
UNION ALL
SELECT 'a lot below zero, or points beside a debt', resident_id FROM lots l WHERE remaining < 0 AND (
    expires_on <> DATE '9999-12-31' OR EXISTS (
        SELECT FROM lots o WHERE o.resident_id = l.resident_id AND o.remaining > 0))
UNION ALL
SELECT 'points that never expire', resident_id FROM lots WHERE remaining > 0 AND expires_on = DATE '9999-12-31'
UNION ALL
SELECT 'a number of an action is missing', resident_id FROM actions GROUP BY resident_id
HAVING min(seq) <> 1 OR max(seq) <> count(*)
UNION ALL
SELECT 'a number of a redemption is missing', w.resident_id FROM wallets w LEFT JOIN redemptions d USING (resident_id)
GROUP BY w.resident_id, w.redemption_seq
HAVING count(d.seq) <> w.redemption_seq OR coalesce(max(d.seq), 0) <> w.redemption_seq
UNION ALL
SELECT 'held points are not those of reserved redemptions', w.resident_id FROM wallets w
LEFT JOIN redemptions d ON d.resident_id = w.resident_id AND d.status = 'reserved'
GROUP BY w.resident_id, w.held HAVING coalesce(sum(d.points), 0) <> w.held
UNION ALL
SELECT 'more points than the cap of a day', resident_id FROM actions WHERE status = 'credited'
GROUP BY resident_id, local_day HAVING sum(points) > :cap_day
UNION ALL
SELECT 'more of a gift than its limit', d.resident_id FROM redemptions d JOIN rewards r ON r.id = d.reward_id
WHERE d.status IN ('reserved', 'fulfilled') AND r.limit_per_resident IS NOT NULL
GROUP BY d.resident_id, r.id, CASE WHEN r.limit_period <> 'ever'
    THEN date_trunc(r.limit_period, d.redeemed_at AT TIME ZONE :zone) END
HAVING sum(d.quantity) > r.limit_per_resident
UNION ALL
SELECT 'a task more often than its limit', a.resident_id FROM actions a JOIN task_versions v ON v.id = a.task_version_id
WHERE a.status IN ('credited', 'pending')
GROUP BY a.resident_id, v.id, date_trunc(v.limit_period, a.local_day::timestamp) HAVING count(*) > v.limit_count
UNION ALL
SELECT 'on two trips at once', a.resident_id FROM actions a
JOIN actions b ON b.resident_id = a.resident_id AND b.seq > a.seq
    AND b.happened_at < a.ended_at AND a.happened_at < b.ended_at
JOIN task_versions v ON v.id = a.task_version_id JOIN task_versions u ON u.id = b.task_version_id
WHERE a.status = 'credited' AND b.status = 'credited' AND v.trip AND u.trip
UNION ALL
SELECT 'something is left of who has left', r.resident_id FROM residents r JOIN wallets w USING (resident_id)
WHERE r.state = 'erased' AND (NOT w.frozen OR w.held <> 0
    OR EXISTS (SELECT FROM bindings b WHERE b.resident_id = r.resident_id)
    OR EXISTS (SELECT FROM actions a WHERE a.resident_id = r.resident_id AND a.status = 'pending'))
UNION ALL
SELECT 'hidden and not frozen, or frozen and not hidden', r.resident_id
FROM residents r JOIN wallets w USING (resident_id)
WHERE r.hidden <> (w.frozen AND r.state = 'active')
UNION ALL
SELECT 'bound without a consent, or a consent to nothing', resident_id FROM
    (SELECT DISTINCT resident_id FROM bindings WHERE resident_id IS NOT NULL) AS b
FULL JOIN (SELECT resident_id FROM consents WHERE purpose LIKE 'partner:%' AND withdrawn_at IS NULL) AS c
    USING (resident_id)
WHERE b IS NULL OR c IS NULL
UNION ALL
SELECT 'an event is credited without its action, or twice', x.resident_id FROM external_events x
LEFT JOIN actions a ON a.resident_id = x.resident_id AND a.seq = x.action_seq
WHERE x.resident_id IS NOT NULL AND a.seq IS NULL
"""


def everything_wrong(*, cap_day, zone):
    """What of the books does not hold at this moment; nothing, where all is well. `zone`: the city's, by its name."""
    found = differences(with_actions=True)
    found += [tuple(row) for row in db.session.execute(text(WRONG), {"cap_day": cap_day, "zone": zone})]
    for statement in (STOCK, HOLDS, PRICES, OWNERS):
        found += [dict(row) for row in db.session.execute(text(statement)).mappings()]
    db.session.rollback()
    if not waiting():
        should, are = expected_now(), projected()
        found += [(name, should[name], are[name]) for name in should if should[name] != are[name]]
    return found
