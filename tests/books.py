"""What must hold of the books at any moment, asked in SQL that shares nothing with the code that keeps them.

And points held as redeeming holds them, for tests that need a hold and no reward.
"""

from psycopg.types.json import Jsonb
from sqlalchemy import text

from backend import clock, outbox
from backend.database import array, cursor, db
from backend.ledger import service as ledger
from backend.ledger import spending

SUMS = """
SELECT w.resident_id, w.balance, w.held, w.entry_seq, w.co2e_mg, w.earned, w.actions, w.action_seq,
    coalesce(e.sum, 0) AS entries, coalesce(e.count, 0) AS entry_count, coalesce(l.sum, 0) AS lots,
    coalesce(h.sum, 0) AS holds, coalesce(a.co2e_mg, 0) AS action_mg, coalesce(a.points, 0) AS action_points,
    coalesce(a.counted, 0) AS counted, coalesce(a.last, 0) AS last
FROM wallets w
LEFT JOIN (SELECT resident_id, sum(points), count(*) FROM ledger_entries GROUP BY resident_id) e USING (resident_id)
LEFT JOIN (SELECT resident_id, sum(remaining) FROM lots GROUP BY resident_id) l USING (resident_id)
LEFT JOIN (SELECT resident_id, sum(points) FROM holds WHERE state = 'held' GROUP BY resident_id) h USING (resident_id)
LEFT JOIN (
    SELECT resident_id, max(seq) AS last, sum(co2e_mg) FILTER (WHERE status = 'credited') AS co2e_mg,
        sum(points) FILTER (WHERE status = 'credited') AS points,
        count(*) FILTER (WHERE status = 'credited') AS counted
    FROM actions GROUP BY resident_id) a USING (resident_id)
"""
# A table that was just filled has no statistics yet: without this the planner may go through it once a resident.
PLAN = "SET LOCAL enable_nestloop = off"


_READ = f"SELECT version, ({spending.LOTS}) FROM wallets w WHERE resident_id = %(resident_id)s FOR UPDATE"
_HOLD = f"""
WITH w AS ({spending.UPDATE_WALLET.format(gate="(SELECT) AS always")}),
lot AS ({spending.TAKE_FROM_LOTS}),
entry AS ({spending.INSERT_ENTRY}),
hold AS ({spending.INSERT_HOLD}),
out AS ({spending.INSERT_OUTBOX})
SELECT redemption_seq FROM w
"""


def hold(resident_id, points):
    """Take points for the resident's next redemption, which waits; inside the session's transaction. Gives the hold.

    Whoever has the wallet in hand locks it again after this.
    """
    db.session.flush()
    now = clock.now()
    version, lots = cursor().execute(_READ, {"resident_id": resident_id}).fetchone()
    taken = spending.parts(lots or (), points)
    values = {
        "resident_id": resident_id,
        "version": version,
        "points": points,
        "held": points,
        "hold_state": "held",
        "hold_lots": Jsonb(taken),
        "lot_days": array(day for day, _ in taken),
        "lot_points": array(part for _, part in taken),
        "now": now,
        "day": clock.local_day(now),
        "partition": outbox.partition_of(resident_id),
    }
    (seq,) = cursor().execute(_HOLD, values).fetchone()
    return ledger.find_hold(resident_id, ledger.Reference("redemption", seq))


def differences(*, with_actions=False):
    """Residents whose books do not add up, and why."""
    found = []
    db.session.execute(text(PLAN))
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
