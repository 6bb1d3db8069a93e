"""The two statements of a redemption: one reads all that the rules need, one writes all of it or nothing.

The write compares what the read saw, under locks: the wallet by its version, then the reward by the version of its
terms and by its stock (the order of locks is the same everywhere: first the wallet, the reward last, for everybody who
redeems it needs that one). If anything has moved, no part of it changes a row.
"""

from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend import clock
from backend.ledger import spending
from backend.residents.idempotency import in_database
from backend.rewards import answering, rules
from backend.rewards.models import Reward
from backend.rewards.rules import COUNTING

COLUMNS = tuple(column.name for column in Reward.__table__.columns)
_COUNTING = ", ".join(f"'{status}'" for status in COUNTING)

USED = f"""(SELECT coalesce(sum(d.quantity), 0) FROM redemptions d
     WHERE d.resident_id = w.resident_id AND d.reward_id = {{reward_id}} AND d.status IN ({_COUNTING})
        AND d.redeemed_at >= CASE x.limit_period WHEN 'day' THEN %(day_from)s::timestamptz
            WHEN 'month' THEN %(month_from)s::timestamptz WHEN 'year' THEN %(year_from)s::timestamptz
            ELSE '-infinity' END
        AND d.redeemed_at < CASE x.limit_period WHEN 'day' THEN %(day_until)s::timestamptz
            WHEN 'month' THEN %(month_until)s::timestamptz WHEN 'year' THEN %(year_until)s::timestamptz
            ELSE 'infinity' END)
    + CASE WHEN r.left_on >= CASE x.limit_period WHEN 'day' THEN %(day_on)s::date WHEN 'month' THEN %(month_on)s::date
            WHEN 'year' THEN %(year_on)s::date ELSE '-infinity' END
        THEN coalesce((r.left_taken ->> {{reward_id}}::text)::int, 0) ELSE 0 END"""  # noqa: S608  the parts are ours
"""Pieces of a reward `x` that count in its present period; what an account took that was left in it counts too.

Wants the values of `periods`."""

READ = f"""
SELECT r.state, r.token_epoch, w.frozen, w.co2e_mg, w.balance, w.version, w.redemption_seq, ({spending.LOTS}),
    {USED.format(reward_id="%(reward_id)s")} AS used,
    k.request_hash, k.status, k.body, {", ".join(f"x.{name}" for name in COLUMNS)}
FROM wallets w
JOIN residents r ON r.resident_id = w.resident_id
LEFT JOIN rewards x ON x.id = %(reward_id)s
LEFT JOIN idempotency_keys k ON k.resident_id = w.resident_id AND k.key = %(key)s
WHERE w.resident_id = %(resident_id)s
"""  # noqa: S608  the parts are ours

_LOCKS = """
locked AS MATERIALIZED (
    SELECT resident_id FROM wallets WHERE resident_id = %(resident_id)s AND version = %(version)s
    FOR NO KEY UPDATE),
reward AS MATERIALIZED (
    SELECT x.id, '[]'::jsonb AS codes FROM locked, rewards x
    WHERE x.id = %(reward_id)s AND x.version = %(reward_version)s AND (x.stock IS NULL OR x.stock >= %(quantity)s)
    FOR NO KEY UPDATE OF x)
"""

# Materialized: the planner may run a subquery again and again, and each run would lock other codes. What another
# loads or claims at this moment is passed over, so that nobody waits for anybody.
_CODES = """,
picked AS MATERIALIZED (
    SELECT v.code FROM reward, vouchers v WHERE v.reward_id = %(reward_id)s AND v.resident_id IS NULL
    ORDER BY v.code LIMIT %(quantity)s FOR UPDATE OF v SKIP LOCKED),
given AS (SELECT jsonb_agg(code ORDER BY code) AS codes FROM picked HAVING count(*) = %(quantity)s)
"""
_CLAIM = """
claimed AS (
    UPDATE vouchers SET resident_id = w.resident_id, redemption_seq = w.redemption_seq, claimed_at = %(now)s
    FROM w, picked WHERE vouchers.reward_id = %(reward_id)s AND vouchers.code = picked.code),
"""

_WRITE = """
WITH {locks},
w AS ({wallet}, {gate}.codes),
{claim}lot AS ({lots}),
entry AS ({entry}),
hold AS ({hold}),
redemption AS (
    INSERT INTO redemptions (resident_id, seq, reward_id, reward_version, quantity, points, status, voucher_codes,
        pickup_code, delivery, redeemed_at, expires_at, decided_at)
    SELECT w.resident_id, w.redemption_seq, %(reward_id)s, %(reward_version)s, %(quantity)s, %(points)s, %(status)s,
        w.codes, %(pickup_code)s, %(delivery)s, %(now)s, %(expires_at)s, %(decided_at)s
    FROM w),
out AS ({out}),
answer AS ({answer}),
stock AS (UPDATE rewards SET stock = stock - %(quantity)s FROM w WHERE rewards.id = %(reward_id)s AND stock IS NOT NULL)
SELECT w.codes, EXISTS (SELECT FROM reward) FROM (SELECT) AS always LEFT JOIN w ON true
"""


def _write(*, locks: str, gate: str, claim: str, body: str) -> str:
    return _WRITE.format(
        locks=locks,
        gate=gate,
        claim=claim,
        wallet=spending.UPDATE_WALLET.format(gate=gate).rstrip(),
        lots=spending.TAKE_FROM_LOTS,
        entry=spending.INSERT_ENTRY,
        hold=spending.INSERT_HOLD,
        out=spending.INSERT_OUTBOX,
        answer=in_database(body=body),
    )


WRITE = _write(locks=_LOCKS, gate="reward", claim="", body="%(body)s")
WRITE_WITH_CODES = _write(locks=_LOCKS + _CODES, gate="given", claim=_CLAIM, body=answering.BODY_WITH_CODES)
"""Both give one row: the voucher codes (NULL: nothing was written), and whether nothing had moved: there were too few
codes then, whatever the stock says."""


@lru_cache(maxsize=64)
def periods(today: date, zone: ZoneInfo) -> dict[str, date]:
    """Bounds of the city's present day, month and year, as USED wants them: instants, and the first day."""
    bounds: dict[str, date] = {}
    for period, (first, after) in rules.limit_periods(today).items():
        begins, ends = (clock.day_bounds(day, zone=zone)[0] for day in (first, after))
        bounds |= {f"{period}_from": begins, f"{period}_until": ends, f"{period}_on": first}
    return bounds
