"""SQL that posts awards: parts that `actions` puts into its own statements, so that one statement does it all.

Every part reads from a relation `w`, the wallet after its update: (resident_id, balance, entry_seq, action_seq). Parts
for several awards of one resident read from `d` too, a row for each: (seq, local_day, points, entry_seq, balance).
"""

from datetime import date, datetime

from backend import clock
from backend.ledger.models import DEBT

ENTRY_COLUMNS = "resident_id, seq, kind, contra, points, balance_after, reference_kind, reference_id, posted_at"
"""SQL: what an entry says, in the order in which its values are given."""

FREE_WALLET = """
SELECT resident_id FROM wallets WHERE resident_id = %(resident_id)s AND version = %(version)s
FOR NO KEY UPDATE SKIP LOCKED
"""
"""The wallet, if it has this version and nobody else holds it: whoever may not wait learns at once."""

UPDATE_WALLET = """
UPDATE wallets SET balance = balance + %(points)s, earned = earned + %(points)s, entry_seq = entry_seq + %(entries)s,
    action_seq = action_seq + %(recorded)s, version = version + 1, co2e_mg = co2e_mg + %(co2e_mg)s,
    actions = actions + %(counted)s
FROM free WHERE wallets.resident_id = free.resident_id
RETURNING wallets.resident_id, balance, entry_seq, action_seq
"""

INSERT_ENTRY = f"""
INSERT INTO ledger_entries
    ({ENTRY_COLUMNS})
SELECT w.resident_id, w.entry_seq, 'award', 'issuance', %(points)s, w.balance, 'action', w.action_seq, %(now)s
FROM w WHERE %(points)s <> 0
"""  # noqa: S608  the columns are ours

ADD_TO_LOT = """
INSERT INTO lots (resident_id, expires_on, remaining)
SELECT w.resident_id, %(expires_on)s, LEAST(%(points)s, w.balance) FROM w WHERE LEAST(%(points)s, w.balance) > 0
ON CONFLICT (resident_id, expires_on) DO UPDATE SET remaining = lots.remaining + excluded.remaining
"""

PAY_DEBT = f"""
UPDATE lots SET remaining = LEAST(0, w.balance) FROM w
WHERE lots.resident_id = %(resident_id)s AND w.resident_id = lots.resident_id AND lots.expires_on = DATE '{DEBT}'
    AND w.balance - %(points)s < 0
"""  # noqa: S608  a constant of ours

ADD_TO_YEAR = """
INSERT INTO yearly_points (resident_id, year, points)
SELECT w.resident_id, %(year)s, %(points)s FROM w WHERE %(points)s <> 0
ON CONFLICT (resident_id, year) DO UPDATE SET points = yearly_points.points + excluded.points
"""

INSERT_ENTRIES = f"""
INSERT INTO ledger_entries
    ({ENTRY_COLUMNS})
SELECT w.resident_id, d.entry_seq, 'award', 'issuance', d.points, d.balance, 'action', d.seq, %(now)s
FROM w CROSS JOIN d WHERE d.points <> 0
"""  # noqa: S608  the columns are ours

ADD_TO_EACH_YEAR = """
INSERT INTO yearly_points (resident_id, year, points)
SELECT w.resident_id, extract(year FROM d.local_day)::int, sum(d.points)
FROM w CROSS JOIN d WHERE d.points <> 0 GROUP BY 1, 2
ON CONFLICT (resident_id, year) DO UPDATE SET points = yearly_points.points + excluded.points
"""

UPDATE_WALLETS = """
UPDATE wallets w SET balance = w.balance + d.points, earned = w.earned + d.points, entry_seq = w.entry_seq + d.entries,
    action_seq = w.action_seq + d.actions, version = w.version + 1, co2e_mg = w.co2e_mg + d.co2e_mg,
    actions = w.actions + d.counted
FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::int[])
    AS d (resident_id, points, entries, actions, co2e_mg, counted)
WHERE w.resident_id = d.resident_id
"""

ADD_TO_LOTS = """
INSERT INTO lots (resident_id, expires_on, remaining)
SELECT d.resident_id, %s, d.points FROM unnest(%s::bigint[], %s::bigint[]) AS d (resident_id, points)
ON CONFLICT (resident_id, expires_on) DO UPDATE SET remaining = lots.remaining + excluded.remaining
"""

PAY_DEBTS = f"""
UPDATE lots SET remaining = d.debt FROM unnest(%s::bigint[], %s::bigint[]) AS d (resident_id, debt)
WHERE lots.resident_id = d.resident_id AND lots.expires_on = DATE '{DEBT}'
"""  # noqa: S608  a constant of ours

ADD_TO_YEARS = """
INSERT INTO yearly_points (resident_id, year, points)
SELECT d.resident_id, d.year, d.points
FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS d (resident_id, year, points)
ON CONFLICT (resident_id, year) DO UPDATE SET points = yearly_points.points + excluded.points
"""


def expiry_of(posted_at: datetime, *, months: int) -> date:
    """The day on which points posted now expire: the last of the month that lies `months` months on."""
    return clock.end_of_month_after(clock.local_day(posted_at), months=months)
