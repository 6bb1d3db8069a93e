"""The screen: one statement a chunk of residents that finds whose books do not agree, without saying where.

Every table is read once, in whatever order it lies, and summed to one row a resident (see `fingerprints`).
"""

from backend.outbox import PARTITIONS
from backend.totals.models import EVER
from backend.verification.fingerprints import PRIME, amount, day_number, mark, of_text, place, presence, weight
from backend.verification.weights import (
    CITY_DAY,
    DAYS,
    GRAMS,
    PARTITION,
    POINTS,
    RULES,
    TOTAL,
    judged_by,
    quantified_by,
)

MINE = "{table}.resident_id BETWEEN %(first)s AND %(last)s"
_BROKEN = "CASE WHEN {right} THEN 0 ELSE %(broken_weight)s END"
_NUMBER = day_number("a.local_day")

ACTIONS = f"""
SELECT y.resident_id, bit_xor({mark("y.seq", salt="action_chain")} # {mark("y.seq - 1", salt="action_chain")}
        # CASE WHEN y.points > 0 THEN {mark("y.points", "y.seq", salt="award")} ELSE 0 END
        # CASE WHEN y.status = 'reversed' AND y.points > 0 THEN {mark("y.points", "y.seq", salt="reversal")} ELSE 0 END
        # CASE WHEN y.partner_id IS NULL THEN 0 ELSE {mark("y.partner_id", "y.seq", salt="event")} END) AS seal,
    sum(CASE WHEN y.status = 'credited' THEN coalesce(y.amount * y.whole + y.points * y.year + y.place, 0) ELSE 0 END
        + CASE WHEN y.partner_id IS NULL THEN 0 ELSE %(events_weight)s END
        + {_BROKEN.format(right='y."right"')}) AS scale,
    sum(CASE WHEN y.status = 'credited' THEN y.amount * {TOTAL.format(place="y.place", tier="y.tier_weight")} ELSE 0 END)
        AS city, count(*) AS actions, 0 AS entries, 0 AS wallets
FROM (
    SELECT z.*, {amount("z.points", "z.co2e_mg", "1")} AS amount,
        {place("z.local_day", "z.task_id", "coalesce(z.district_id, 0)")} AS place,
        z.seq > 0 AND z.task_id = z.rules_task_id AND z.happened_at >= z.day_begins_at AND z.happened_at < z.day_ends_at
        AND (z.valid_from IS NULL OR z.local_day >= z.valid_from) AND (z.valid_to IS NULL OR z.local_day < z.valid_to)
        AND CASE WHEN z.status IN ('credited', 'reversed') THEN z.co2e_mg = {GRAMS}
            AND CASE WHEN z.capped_by IS NULL THEN z.points = {POINTS} ELSE z.points < {POINTS} AND z.points >= 0 END
            ELSE z.co2e_mg = 0 AND z.points = 0 END AS "right"
    FROM (
        SELECT a.resident_id, a.seq, a.task_id, a.status, a.happened_at, a.local_day, a.district_id, a.co2e_mg, a.points,
            a.capped_by, a.partner_id, r.task_id AS rules_task_id, r.valid_from, r.valid_to, r.tier_weight,
            r.fixed, r.by_quantity, r.per_milli, r.by_co2e, r.per_mg, r.least, r.most, r.share_percent,
            r.counted_max_milli, r.counted_max, r.net_micro, r.net_mg, r.fits_milli, a.quantity,
            (a.quantity * 1000)::bigint AS milli,
            (SELECT whole FROM days)[{_NUMBER}] AS whole, (SELECT years FROM days)[{_NUMBER}] AS year,
            (SELECT begins_at FROM days)[{_NUMBER}] AS day_begins_at,
            (SELECT begins_at FROM days)[{_NUMBER} + 1] AS day_ends_at
        FROM actions a
        LEFT JOIN rules r ON r.judged_by = {judged_by("a.task_version_id", "a.tier", "a.methodology_id")}
            AND r.quantified_by = {quantified_by("a.baseline_factor_id", "a.project_factor_id")}
        WHERE {MINE.format(table="a")} OFFSET 0) AS z OFFSET 0) AS y
GROUP BY y.resident_id
"""  # noqa: S608  the parts are ours
"""Each action: its number, its award and reversal, its partner's record; its place in scores, years, participations and
totals; and whether its own grams, points and day are right. OFFSET 0 keeps each expression from being computed again
wherever it is used."""

_POSTED = " ".join(
    f"WHEN '{kind}' THEN {mark(points, 'e.reference_id', salt=salt)}"
    for kind, points, salt in (
        ("award", "e.points", "award"),
        ("reversal", "-e.points", "reversal"),
        ("redeem", "-e.points", "hold"),
        ("return", "e.points", "give_back"),
        ("adjust", "e.points", "adjustment"),
    )
)
FITS = """
    CASE e.kind WHEN 'award' THEN e.contra = 'issuance' AND e.points > 0 AND e.reference_kind = 'action'
        WHEN 'reversal' THEN e.contra = 'issuance' AND e.points < 0 AND e.reference_kind = 'action'
        WHEN 'redeem' THEN e.contra = 'redemption' AND e.points < 0 AND e.reference_kind = 'redemption'
        WHEN 'return' THEN e.contra = 'redemption' AND e.points > 0 AND e.reference_kind = 'redemption'
        WHEN 'adjust' THEN e.contra = 'adjustment' AND e.points <> 0 AND e.reference_kind = 'adjustment'
        ELSE e.kind = 'expire' AND e.contra = 'expiry' AND e.points < 0 AND e.reference_kind = 'lot' END
"""
"""SQL: whether contra account, sign and reference of an entry `e` fit its kind."""
_MOVED = f"""
    CASE WHEN e.kind IN ('award', 'reversal') THEN 0 ELSE
        {amount("CASE WHEN e.kind IN ('adjust', 'return') THEN e.points ELSE -e.points END", "0", "1")}
        * {of_text("e.kind", day_number(CITY_DAY.format(instant="e.posted_at")), salt="movement")} END
"""
ENTRIES = f"""
SELECT e.resident_id, bit_xor({mark("e.balance_after", "e.seq", salt="entry_chain")}
        # {mark("e.balance_after - e.points", "e.seq - 1", salt="entry_chain")} # CASE e.kind {_POSTED} ELSE 0 END) AS seal,
    sum(e.points * CASE e.contra WHEN 'issuance' THEN %(issuance_weight)s WHEN 'redemption' THEN %(redeemed_weight)s
            WHEN 'expiry' THEN %(expiry_weight)s ELSE %(adjusted_weight)s END
        + {_BROKEN.format(right=FITS)}) AS scale,
    sum({_MOVED}) AS city, 0 AS actions, count(*) AS entries, 0 AS wallets
FROM ledger_entries e WHERE {MINE.format(table="e")} GROUP BY e.resident_id
"""  # noqa: S608  the parts are ours

WALLETS = f"""
SELECT w.resident_id,
    {mark("0::bigint", salt="action_chain")} # {mark("w.action_seq::bigint", salt="action_chain")}
    # {mark("0::bigint", salt="redemption_chain")} # {mark("w.redemption_seq::bigint", salt="redemption_chain")}
    # {mark("0::bigint", "0", salt="entry_chain")} # {mark("w.balance", "w.entry_seq", salt="entry_chain")},
    -({amount("w.earned", "w.co2e_mg", "w.actions")}::numeric * %(lifetime_weight)s)
    - (w.earned * %(issuance_weight)s - w.spent * %(redeemed_weight)s - w.expired * %(expiry_weight)s
        + w.adjusted * %(adjusted_weight)s)
    - w.held * %(held_weight)s - w.balance * %(balance_weight)s - %(member_weight)s, 0, 0, 0, 1
FROM wallets w WHERE {MINE.format(table="w")}
"""  # noqa: S608  the parts are ours

LOTS = f"""
SELECT l.resident_id, 0, sum(l.remaining * %(balance_weight)s)
    + CASE WHEN min(l.remaining) < 0 AND max(l.remaining) > 0 THEN %(broken_weight)s ELSE 0 END
    + sum(CASE WHEN l.remaining < 0 AND l.expires_on <> DATE '9999-12-31' THEN %(broken_weight)s ELSE 0 END), 0, 0, 0, 0
FROM lots l WHERE {MINE.format(table="l")} GROUP BY l.resident_id
"""  # noqa: S608  the parts are ours

STATE = "CASE {state} WHEN 'held' THEN 0 WHEN 'captured' THEN 1 ELSE 2 END"
STATUS = "CASE {status} WHEN 'reserved' THEN 0 WHEN 'fulfilled' THEN 1 ELSE 2 END"
HOLDS = f"""
SELECT h.resident_id, bit_xor({mark("h.points", "h.reference_id", salt="hold")}
        # CASE WHEN h.state = 'released' THEN {mark("h.points", "h.reference_id", salt="give_back")} ELSE 0 END
        # {mark(f"h.points * 4 + {STATE.format(state='h.state')}", "h.reference_id", salt="redemption")}),
    sum(CASE WHEN h.state = 'held' THEN h.points * %(held_weight)s ELSE 0 END
        + {_BROKEN.format(right="h.reference_kind = 'redemption'")}), 0, 0, 0, 0
FROM holds h WHERE {MINE.format(table="h")} GROUP BY h.resident_id
"""  # noqa: S608  the parts are ours

REDEMPTIONS = f"""
SELECT d.resident_id, bit_xor({mark("d.seq", salt="redemption_chain")} # {mark("d.seq - 1", salt="redemption_chain")}
        # {mark(f"d.points * 4 + {STATUS.format(status='d.status')}", "d.seq", salt="redemption")}),
    sum({_BROKEN.format(right="d.points = d.quantity * (v.terms->>'price_points')::bigint")}), 0, 0, 0, 0
FROM redemptions d LEFT JOIN reward_versions v ON v.reward_id = d.reward_id AND v.version = d.reward_version
WHERE {MINE.format(table="d")} GROUP BY d.resident_id
"""  # noqa: S608  the parts are ours

SCORES = f"""
SELECT s.resident_id, 0, -sum({amount("s.points", "s.co2e_mg", "s.actions")}
        * {of_text("s.period", day_number("s.starts_on"), salt="period")}),
    sum(CASE WHEN s.period = 'all' AND s.actions > 0 THEN {presence(f"DATE '{EVER}'", "-1", "-1")} ELSE 0 END), 0, 0, 0
FROM period_scores s WHERE {MINE.format(table="s")} GROUP BY s.resident_id
"""  # noqa: S608  the parts are ours

OUTBOX = f"""
SELECT o.resident_id, 0, -sum(CASE WHEN o.kind = 'action' THEN
        {amount("o.points", "o.co2e_mg", "o.actions")} * (SELECT scores FROM days)[{day_number("o.day")}]
        + o.actions * {place("o.day", "o.task_id", "coalesce(o.district_id, 0)")} ELSE 0 END),
    -sum(CASE WHEN o.kind = 'action' THEN {amount("o.points", "o.co2e_mg", "o.actions")} * {TOTAL.format(
        place=place("o.day", "o.task_id", "coalesce(o.district_id, 0)"), tier=of_text("o.tier", salt="tier"))}
        WHEN o.kind = 'moved' THEN 0
        ELSE {amount("o.points", "0", "1")} * {of_text("o.kind", day_number("o.day"), salt="movement")} END), 0, 0, 0
FROM outbox o WHERE {MINE.format(table="o")} GROUP BY o.resident_id
"""  # noqa: S608  the parts are ours

SMALL = (
    f"""
SELECT p.resident_id, 0, %(member_weight)s, 0, 0, 0, 0 FROM residents p WHERE {MINE.format(table="p")}
""",  # noqa: S608  the parts are ours
    f"""
SELECT n.resident_id, 0, -sum(n.points * {weight("n.year::int", salt="year")}), 0, 0, 0, 0
FROM yearly_points n WHERE {MINE.format(table="n")} GROUP BY n.resident_id
""",  # noqa: S608  the parts are ours
    f"""
SELECT x.resident_id, bit_xor({mark("x.partner_id", "x.action_seq", salt="event")}), -count(*) * %(events_weight)s, 0, 0, 0, 0
FROM external_events x WHERE {MINE.format(table="x")} GROUP BY x.resident_id
""",  # noqa: S608  the parts are ours
    f"""
SELECT j.resident_id, bit_xor({mark("j.points", "j.id", salt="adjustment")}), 0, 0, 0, 0, 0
FROM adjustments j WHERE {MINE.format(table="j")} AND j.status = 'approved' GROUP BY j.resident_id
""",  # noqa: S608  the parts are ours
    f"""
SELECT c.resident_id, 0, -sum(c.actions * {place("c.day", "c.task_id", "c.district_id")}), 0, 0, 0, 0
FROM participations c WHERE {MINE.format(table="c")} GROUP BY c.resident_id
""",  # noqa: S608  the parts are ours
)

SCREEN = f"""
WITH {DAYS}, {RULES},
agreed AS MATERIALIZED (
    SELECT resident_id, bit_xor(seal) AS seal, sum(scale) AS scale, sum(city) AS city, sum(actions) AS actions,
        sum(entries) AS entries, sum(wallets) AS wallets
    FROM ({" UNION ALL ".join((ACTIONS, ENTRIES, WALLETS, LOTS, HOLDS, REDEMPTIONS, SCORES, OUTBOX, *SMALL))}) AS side
    GROUP BY resident_id)
SELECT coalesce(sum(wallets), 0)::bigint, coalesce(sum(actions), 0)::bigint, coalesce(sum(entries), 0)::bigint,
    (coalesce(sum(city * {PARTITION.format(partition=f"resident_id %% {PARTITIONS}")}), 0) %% {PRIME})::bigint,
    array_agg(resident_id ORDER BY resident_id) FILTER (WHERE seal <> 0 OR scale %% {PRIME} <> 0)
FROM agreed
"""  # noqa: S608  the parts are ours
"""Answers one row: residents, actions, entries, what is left of the city's sums, and whose books do not agree."""
