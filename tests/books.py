"""What must hold of the books at any moment, asked in SQL that shares nothing with the code that keeps them."""

from sqlalchemy import text

from backend.database import db

SUMS = """
SELECT w.resident_id, w.balance, w.held, e.sum AS entries, e.count AS entry_count, w.entry_seq, l.sum AS lots,
    h.sum AS holds, a.co2e_mg AS action_mg, w.co2e_mg, a.points AS action_points, w.earned, a.counted, w.actions,
    w.action_seq, a.last
FROM wallets w
LEFT JOIN LATERAL (
    SELECT coalesce(sum(points), 0) AS sum, count(*) FROM ledger_entries WHERE resident_id = w.resident_id) e ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(remaining), 0) AS sum FROM lots WHERE resident_id = w.resident_id) l ON true
LEFT JOIN LATERAL (
    SELECT coalesce(sum(points), 0) AS sum FROM holds WHERE resident_id = w.resident_id AND state = 'held') h ON true
LEFT JOIN LATERAL (
    SELECT coalesce(sum(co2e_mg) FILTER (WHERE status = 'credited'), 0) AS co2e_mg, coalesce(max(seq), 0) AS last,
        coalesce(sum(points) FILTER (WHERE status = 'credited'), 0) AS points,
        count(*) FILTER (WHERE status = 'credited') AS counted
    FROM actions WHERE resident_id = w.resident_id) a ON true
"""


def differences(*, with_actions=False):
    """Residents whose books do not add up, and why."""
    found = []
    for row in db.session.execute(text(SUMS)).mappings():
        wrong = {
            "entries": row["entries"] != row["balance"],
            "gap": row["entry_count"] != row["entry_seq"],
            "lots": row["lots"] != row["balance"],
            "holds": row["holds"] != row["held"],
        }
        if with_actions:
            wrong |= {
                "grams": row["action_mg"] != row["co2e_mg"],
                "earned": row["action_points"] != row["earned"],
                "actions": row["counted"] != row["actions"],
                "seq": row["last"] != row["action_seq"],
            }
        found += [(row["resident_id"], name, dict(row)) for name, is_wrong in wrong.items() if is_wrong]
    return found
