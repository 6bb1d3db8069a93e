"""Redemptions: priced by the version of their reward, each with its hold in the state that fits; stock and vouchers."""

from collections.abc import Iterator

from backend.database.abreast import Cursor
from backend.rewards.models import NOBODY
from backend.verification.difference import Difference

_HOLDS = """
SELECT resident_id, 'hold of ' || reference_kind || ' ' || reference_id, coalesce(d.expected, 'no hold'),
    coalesce(h.found, 'no hold')
FROM (
    SELECT resident_id, 'redemption' AS reference_kind, seq::bigint AS reference_id, points || ' ' || CASE status
        WHEN 'reserved' THEN 'held' WHEN 'fulfilled' THEN 'captured' ELSE 'released' END AS expected
    FROM redemptions WHERE resident_id = ANY(%(residents)s)) AS d
FULL JOIN (
    SELECT resident_id, reference_kind, reference_id, points || ' ' || state AS found FROM holds
    WHERE resident_id = ANY(%(residents)s)) AS h USING (resident_id, reference_kind, reference_id)
WHERE d.expected IS DISTINCT FROM h.found ORDER BY resident_id, reference_id
"""
_PRICES = """
SELECT d.resident_id, 'redemption ' || d.seq || ': points of ' || d.quantity || ' x reward ' || d.reward_id
    || ' version ' || d.reward_version,
    coalesce((d.quantity * (v.terms->>'price_points')::bigint)::text, 'no such version'), d.points::text
FROM redemptions d LEFT JOIN reward_versions v ON v.reward_id = d.reward_id AND v.version = d.reward_version
WHERE d.resident_id = ANY(%(residents)s) AND d.points IS DISTINCT FROM d.quantity * (v.terms->>'price_points')::bigint
ORDER BY d.resident_id, d.seq
"""
STATEMENTS = (_HOLDS, _PRICES)

# Without a number of its own only a donation of which none were ever moved: it has no limit.
_STOCK = """
SELECT w.code, what, expected::text, found::text FROM rewards w
CROSS JOIN LATERAL (SELECT coalesce(sum(delta), 0) AS moved, count(*) > 0 OR w.kind <> 'donation' AS limited
    FROM stock_movements WHERE reward_id = w.id) AS m
LEFT JOIN (SELECT reward_id, sum(quantity) AS taken FROM redemptions WHERE status IN ('reserved', 'fulfilled')
    GROUP BY reward_id) AS d ON d.reward_id = w.id
LEFT JOIN (SELECT reward_id, count(*) FILTER (WHERE resident_id IS NULL) AS left FROM vouchers GROUP BY reward_id) AS v
    ON v.reward_id = w.id
LEFT JOIN reward_versions k ON k.reward_id = w.id AND k.version = w.version
CROSS JOIN LATERAL (VALUES ('stock: moved less redeemed', m.moved - coalesce(d.taken, 0), w.stock::numeric),
    ('stock: codes left', CASE w.kind WHEN 'voucher' THEN coalesce(v.left, 0) ELSE w.stock END, w.stock),
    ('price of version ' || w.version, (k.terms->>'price_points')::numeric, w.price_points))
    AS pair (what, expected, found)
WHERE expected IS DISTINCT FROM found AND (w.stock IS NOT NULL OR m.limited OR what LIKE 'price%%') ORDER BY w.code
"""
_CODES = f"""
SELECT coalesce(d.resident_id, v.resident_id)::text, 'voucher code of reward ' || reward_id || ' of redemption '
    || coalesce(d.seq, v.redemption_seq), CASE WHEN d.code IS NULL THEN 'not claimed' ELSE 'claimed by it' END,
    CASE WHEN v.code IS NULL THEN 'not in the pool' WHEN v.resident_id IS NULL THEN 'not claimed'
        ELSE 'claimed by redemption ' || v.resident_id || '-' || v.redemption_seq END
FROM (
    SELECT resident_id, seq, reward_id, code FROM redemptions
    CROSS JOIN LATERAL jsonb_array_elements_text(voucher_codes) AS c (code)) AS d
FULL JOIN vouchers v USING (reward_id, code)
WHERE (d.resident_id, d.seq) IS DISTINCT FROM (nullif(v.resident_id, {NOBODY}), v.redemption_seq) ORDER BY 1, 2
"""  # noqa: S608  a constant of ours
_NUMBER_OF_CODES = """
SELECT d.resident_id::text, 'redemption ' || d.seq || ': voucher codes',
    CASE w.kind WHEN 'voucher' THEN d.quantity ELSE 0 END::text, jsonb_array_length(d.voucher_codes)::text
FROM redemptions d JOIN rewards w ON w.id = d.reward_id
WHERE jsonb_array_length(d.voucher_codes) <> CASE w.kind WHEN 'voucher' THEN d.quantity ELSE 0 END
ORDER BY d.resident_id, d.seq
"""


def differences_of_rewards(cursor: Cursor) -> Iterator[Difference]:
    """What differs in the stock of rewards and in their pools of codes."""
    for book, statement in (("stock", _STOCK), ("vouchers", _CODES), ("vouchers", _NUMBER_OF_CODES)):
        for subject, what, expected, found in cursor.execute(statement):
            yield Difference(book, subject, what, expected or "none", found or "none")
