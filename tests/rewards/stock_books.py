"""What must hold of points and stock together at any moment, in SQL that shares nothing with the product's code."""

from sqlalchemy import text

from backend.database import db
from tests.books import differences

STOCK = """
SELECT r.code, r.stock, m.delta - coalesce(d.quantity, 0) AS expected, v.available, v.claimed, d.codes
FROM rewards r
CROSS JOIN LATERAL (SELECT coalesce(sum(delta), 0) AS delta FROM stock_movements WHERE reward_id = r.id) m
CROSS JOIN LATERAL (
    SELECT sum(quantity) AS quantity, coalesce(sum(jsonb_array_length(voucher_codes)), 0) AS codes
    FROM redemptions WHERE reward_id = r.id AND status IN ('reserved', 'fulfilled')
) d
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE resident_id IS NULL) AS available, count(*) FILTER (WHERE resident_id <> 0) AS claimed
    FROM vouchers WHERE reward_id = r.id
) v
WHERE (r.stock IS NOT NULL AND r.stock <> m.delta - coalesce(d.quantity, 0))
    OR (r.kind = 'voucher' AND (r.stock <> v.available OR v.claimed <> d.codes OR v.claimed <> coalesce(d.quantity, 0)))
"""
HOLDS = """
SELECT d.resident_id, d.seq, d.status, h.state, d.points, h.points AS held
FROM redemptions d
FULL JOIN holds h ON h.resident_id = d.resident_id AND h.reference_kind = 'redemption' AND h.reference_id = d.seq
WHERE d.points IS DISTINCT FROM h.points OR h.state IS DISTINCT FROM
    CASE d.status WHEN 'reserved' THEN 'held' WHEN 'fulfilled' THEN 'captured' ELSE 'released' END
"""
PRICES = """
SELECT d.resident_id, d.seq FROM redemptions d
LEFT JOIN reward_versions v ON v.reward_id = d.reward_id AND v.version = d.reward_version
WHERE d.points IS DISTINCT FROM d.quantity * (v.terms ->> 'price_points')::bigint
"""
# Withdrawn codes are nobody's, who has number 0.
OWNERS = """
SELECT v.reward_id, v.code FROM vouchers v
LEFT JOIN redemptions d ON d.resident_id = v.resident_id AND d.seq = v.redemption_seq AND d.reward_id = v.reward_id
WHERE v.resident_id <> 0 AND (d.seq IS NULL OR NOT d.voucher_codes ? v.code)
"""


def check_books():
    """Assert that entries = balance = lots, that holds are held, and that no piece and no code came from nowhere."""
    assert differences() == []
    for statement in (STOCK, HOLDS, PRICES, OWNERS):
        assert db.session.execute(text(statement)).mappings().all() == []
    db.session.rollback()
