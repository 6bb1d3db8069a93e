"""The statements of an award of a resident's own claim: one reads what the rules need, one writes what it comes to."""

from backend.actions.loading import AROUND, PAST, WALLET
from backend.ledger import posting
from backend.residents.idempotency import IN_DATABASE

BESIDES = 7
"""Columns of the read beside wallet and past action: the same in all its rows."""

READ = f"""
SELECT {WALLET}, {PAST}, r.token_epoch, (SELECT revision FROM catalogue_revision), y.points, c.seq,
    k.request_hash, k.status, k.body
FROM wallets w
JOIN residents r ON r.resident_id = w.resident_id
LEFT JOIN actions a ON {AROUND.format(since="%(since)s::timestamptz", until="%(until)s")}
LEFT JOIN yearly_points y ON y.resident_id = w.resident_id AND y.year = %(year)s
LEFT JOIN actions c ON c.resident_id = w.resident_id AND c.client_reference = %(client_reference)s
LEFT JOIN idempotency_keys k ON k.resident_id = w.resident_id AND k.key = %(key)s
WHERE w.resident_id = %(resident_id)s
"""  # noqa: S608  the parts are ours

WRITE = f"""
WITH w AS ({posting.UPDATE_WALLET}),
entry AS ({posting.INSERT_ENTRY}),
lot AS ({posting.ADD_TO_LOT}),
debt AS ({posting.PAY_DEBT}),
year AS ({posting.ADD_TO_YEAR}),
action AS (
    INSERT INTO actions (resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at,
        local_day, district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by,
        partner_id, client_reference, evidence, posted_at)
    SELECT w.resident_id, w.action_seq, %(task_id)s, %(task_version_id)s, %(tier)s, %(status)s, %(quantity)s,
        %(happened_at)s, %(ended_at)s, %(local_day)s, %(district_id)s, %(methodology_id)s, %(baseline_factor_id)s,
        %(project_factor_id)s, %(co2e_mg)s, %(points)s, %(capped_by)s, %(partner_id)s, %(client_reference)s,
        %(evidence)s, %(now)s
    FROM w),
out AS (
    INSERT INTO outbox (resident_id, partition, kind, day, task_id, tier, district_id, co2e_mg, points, actions,
        posted_at)
    SELECT w.resident_id, %(partition)s, 'action', %(local_day)s, %(task_id)s, %(tier)s, %(district_id)s,
        %(co2e_mg)s, %(points)s, 1, %(now)s
    FROM w WHERE %(counted)s = 1),
answer AS ({IN_DATABASE})
SELECT action_seq FROM w
"""  # noqa: S608  the parts are ours

TRY_LOCK = """
SELECT resident_id FROM wallets WHERE resident_id = ANY(%s::bigint[]) ORDER BY resident_id
FOR NO KEY UPDATE SKIP LOCKED
"""
"""Locks those of these wallets that nobody holds, and tells which."""
