"""SQL that spends points: parts that `rewards` puts into its own statements, so that one statement does it all.

Every part but LOTS reads from a relation `w`, the wallet after its update: (resident_id, balance, entry_seq,
redemption_seq).
"""

from collections.abc import Iterable

from backend import outbox
from backend.ledger.posting import ENTRY_COLUMNS

LOTS = """
SELECT jsonb_agg(jsonb_build_array(l.expires_on, l.remaining) ORDER BY l.expires_on) FROM lots l
WHERE l.resident_id = w.resident_id AND l.remaining > 0
"""
"""What can be spent of a wallet `w`: [[expires_on, points], …], earliest first; NULL: nothing."""

UPDATE_WALLET = """
UPDATE wallets SET balance = balance - %(points)s, spent = spent + %(points)s, held = held + %(held)s,
    entry_seq = entry_seq + 1, redemption_seq = redemption_seq + 1, version = wallets.version + 1
FROM {gate} WHERE wallets.resident_id = %(resident_id)s AND wallets.version = %(version)s
RETURNING wallets.resident_id, balance, entry_seq, redemption_seq
"""
"""`gate`: a relation that has one row if the points are to be spent, and none if not."""

TAKE_FROM_LOTS = """
UPDATE lots SET remaining = lots.remaining - t.points
FROM w, unnest(%(lot_days)s::date[], %(lot_points)s::bigint[]) AS t (day, points)
WHERE lots.resident_id = %(resident_id)s AND lots.expires_on = t.day
"""

INSERT_ENTRY = f"""
INSERT INTO ledger_entries
    ({ENTRY_COLUMNS})
SELECT w.resident_id, w.entry_seq, 'redeem', 'redemption', -%(points)s::bigint, w.balance, 'redemption',
    w.redemption_seq, %(now)s
FROM w
"""  # noqa: S608  the columns are ours

INSERT_HOLD = """
INSERT INTO holds (resident_id, reference_kind, reference_id, points, state, lots, created_at)
SELECT w.resident_id, 'redemption', w.redemption_seq, %(points)s, %(hold_state)s, %(hold_lots)s, %(now)s FROM w
"""

INSERT_OUTBOX = f"""
INSERT INTO outbox ({outbox.MOVEMENT_COLUMNS})
SELECT w.resident_id, %(partition)s, 'redeem', %(day)s, 0, %(points)s, 0, %(now)s FROM w
"""  # noqa: S608  the columns are ours


def parts(lots: Iterable[tuple[str, int]], points: int) -> list[tuple[str, int]]:
    """How many points to take from which lots, given in the order in which they are spent.

    Raises RuntimeError where they do not reach: the wallet's balance said that they do.
    """
    taken = []
    wanted = points
    for day, remaining in lots:
        if wanted == 0:
            break
        part = min(remaining, wanted)
        taken.append((day, part))
        wanted -= part
    if wanted:
        raise RuntimeError(f"a wallet's lots hold {wanted} points less than its balance says: run verify")
    return taken
