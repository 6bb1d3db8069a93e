"""The statements of an award of a resident's own claims: one reads what the rules need, one writes what it comes to.

There is a pair for a single claim, and one for the claims of a batch.
"""

from typing import NamedTuple

from backend import outbox
from backend.actions.loading import AROUND, PAST, WALLET
from backend.ledger import posting
from backend.residents.idempotency import in_database

BESIDES = 8
"""Columns of a read beside wallet and past action: the same in all its rows."""
REVISION = 1 - BESIDES
"""Where among a row's columns the catalogue's revision stands."""

ACTION = """resident_id, seq, task_id, task_version_id, tier, status, quantity, happened_at, ended_at, local_day,
        district_id, methodology_id, baseline_factor_id, project_factor_id, co2e_mg, points, capped_by,
        client_reference, evidence, posted_at"""


class Reads(NamedTuple):
    """Two forms of one read. They differ in a column: which check-in codes of the claims the resident has used."""

    plain: str
    """For claims without a code: they pay nothing for it."""
    with_codes: str
    """Whatever became of those actions, as with references."""


_USED_CODES = """(SELECT json_agg(u.evidence ->> 'check_in_token') FROM actions u
        WHERE u.resident_id = %(resident_id)s AND u.happened_at >= %(codes_since)s AND u.tier = 'check_in'
        AND u.evidence ->> 'check_in_token' = ANY(%(codes)s::text[]))"""


def _reads(*, year_points: str, taken: str, joined: str = "") -> Reads:
    return Reads(*(_read(codes, year_points, taken, joined) for codes in ("NULL", _USED_CODES)))


def _read(codes: str, year_points: str, taken: str, joined: str) -> str:
    return f"""
SELECT {WALLET}, {PAST}, r.token_epoch, (SELECT revision FROM catalogue_revision), {year_points}, {taken},
    {codes} AS used_codes, k.request_hash, k.status, k.body
FROM wallets w
JOIN residents r ON r.resident_id = w.resident_id
LEFT JOIN actions a ON {AROUND.format(since="%(since)s::timestamptz", until="%(until)s")}
{joined}
LEFT JOIN idempotency_keys k ON k.resident_id = w.resident_id AND k.key = %(key)s
WHERE w.resident_id = %(resident_id)s
"""  # noqa: S608  the parts are ours


READ = _reads(
    year_points="y.points",
    taken="c.seq",
    joined="""LEFT JOIN yearly_points y ON y.resident_id = w.resident_id AND y.year = %(year)s
LEFT JOIN actions c ON c.resident_id = w.resident_id AND c.client_reference = %(client_reference)s""",
)

READ_MANY = _reads(
    year_points="""(SELECT json_object_agg(y.year, y.points) FROM yearly_points y
        WHERE y.resident_id = %(resident_id)s AND y.year = ANY(%(years)s::int[]))""",
    taken="""(SELECT json_agg(c.client_reference) FROM actions c
        WHERE c.resident_id = %(resident_id)s AND c.client_reference = ANY(%(references)s::text[]))""",
)


def _write(*, entry: str, year: str, action: str, out: str, given: str = "") -> str:
    return f"""
WITH {given}free AS MATERIALIZED ({posting.FREE_WALLET}),
w AS ({posting.UPDATE_WALLET}),
entry AS ({entry}),
lot AS ({posting.ADD_TO_LOT}),
debt AS ({posting.PAY_DEBT}),
year AS ({year}),
action AS (
    INSERT INTO actions ({ACTION})
    {action}),
out AS (
    INSERT INTO outbox ({outbox.COLUMNS})
    {out}),
answer AS ({in_database()})
SELECT action_seq FROM w
"""  # noqa: S608  the parts are ours


WRITE = _write(
    entry=posting.INSERT_ENTRY,
    year=posting.ADD_TO_YEAR,
    action="""SELECT w.resident_id, w.action_seq, %(task_id)s, %(task_version_id)s, %(tier)s, %(status)s, %(quantity)s,
        %(happened_at)s, %(ended_at)s, %(local_day)s, %(district_id)s, %(methodology_id)s, %(baseline_factor_id)s,
        %(project_factor_id)s, %(co2e_mg)s, %(points)s, %(capped_by)s, %(client_reference)s, %(evidence)s, %(now)s
    FROM w""",
    out="""SELECT w.resident_id, %(partition)s, 'action', %(local_day)s, %(task_id)s, %(tier)s, %(district_id)s,
        %(co2e_mg)s, %(points)s, 1, %(now)s
    FROM w WHERE %(counted)s = 1""",
)

WRITE_MANY = _write(
    given="""d AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS d (
        seq int, task_id int, task_version_id int, tier text, status text, quantity_milli bigint,
        happened_at timestamptz, ended_at timestamptz, local_day date, methodology_id int, baseline_factor_id int,
        project_factor_id int, co2e_mg bigint, points bigint, capped_by text, client_reference text, evidence jsonb,
        entry_seq int, balance bigint)),
""",
    entry=posting.INSERT_ENTRIES,
    year=posting.ADD_TO_EACH_YEAR,
    action="""SELECT w.resident_id, d.seq, d.task_id, d.task_version_id, d.tier, d.status, d.quantity_milli / 1000.0,
        d.happened_at, d.ended_at, d.local_day, %(district_id)s, d.methodology_id, d.baseline_factor_id,
        d.project_factor_id, d.co2e_mg, d.points, d.capped_by, d.client_reference, d.evidence, %(now)s
    FROM w CROSS JOIN d""",
    out="""SELECT w.resident_id, %(partition)s, 'action', d.local_day, d.task_id, d.tier, %(district_id)s,
        sum(d.co2e_mg), sum(d.points), count(*), %(now)s
    FROM w CROSS JOIN d WHERE d.status = 'credited' GROUP BY w.resident_id, d.local_day, d.task_id, d.tier""",
)

KEEP_ANSWER = f"""
WITH w AS (SELECT resident_id FROM wallets WHERE resident_id = %(resident_id)s AND version = %(version)s),
answer AS ({in_database()})
SELECT resident_id FROM w
"""  # noqa: S608  the parts are ours
"""For a batch of which nothing counts."""

TRY_LOCK = """
SELECT resident_id FROM wallets WHERE resident_id = ANY(%s::bigint[]) ORDER BY resident_id
FOR NO KEY UPDATE SKIP LOCKED
"""
"""Locks those of these wallets that nobody holds, and tells which."""
