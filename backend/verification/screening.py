"""The screen: one statement a chunk of residents that finds whose books do not agree, without saying where.

Every table is read once, in whatever order it lies, and summed to one row a resident (see `fingerprints`).
"""

from backend.outbox import PARTITIONS
from backend.totals.models import EVER
from backend.verification.fingerprints import PRIME, amount, day_number, group, mark, of_text, place, presence, total, weight
from backend.verification.weights import (
    AGREES,
    CITY_DAY,
    DAYS,
    PARTITION,
    RULES,
    TOTAL,
    judged_by,
    quantified_by,
)

MINE = "{table}.resident_id BETWEEN %(first)s AND %(last)s"
_BROKEN = "CASE WHEN {right} THEN 0 ELSE %(broken_weight)s END"
_NUMBER = day_number("z.local_day")

_DEED = f"""CASE WHEN y.credited THEN coalesce(y.amount * y.whole + y.points * y.year + y.place, 0) ELSE 0 END
    + CASE WHEN y.partner_id IS NULL THEN 0 ELSE %(events_weight)s END + {_BROKEN.format(right="y.agrees")}"""
_DEED_IN_CITY = f"CASE WHEN y.credited THEN y.amount * {TOTAL.format(place='y.place', tier='y.tier_weight')} ELSE 0 END"
ACTIONS = f"""
SELECT y.resident_id,
    bit_xor({mark("y.seq", salt="action_chain")} # {mark("y.seq - 1", salt="action_chain")}
        # CASE WHEN y.points > 0 THEN {mark("y.points", "y.seq", salt="award")} ELSE 0 END
        # CASE WHEN y.reversed AND y.points > 0 THEN {mark("y.points", "y.seq", salt="reversal")} ELSE 0 END
        # CASE WHEN y.partner_id IS NULL THEN 0 ELSE {mark("y.partner_id", "y.seq", salt="event")} END) AS seal,
    {total(_DEED)} AS scale, {total(_DEED_IN_CITY)}
        AS city, count(*)::int AS actions, 0 AS entries, 0 AS wallets
FROM (
    SELECT z.resident_id, z.seq, z.points, z.partner_id, z.status = 'credited' AS credited,
        z.status = 'reversed' AS reversed, r.tier_weight, {amount("z.points", "z.co2e_mg", "1")} AS amount,
        {place(group("z.local_day", "z.task_id", "coalesce(z.district_id, 0)"))} AS place,
        (SELECT whole FROM days)[{_NUMBER}] AS whole, (SELECT years FROM days)[{_NUMBER}] AS year, {AGREES} AS agrees
    FROM (
        SELECT a.resident_id, a.seq, a.task_id, a.task_version_id, a.tier, a.status, a.quantity, a.happened_at, a.local_day,
            a.district_id, a.methodology_id, a.baseline_factor_id, a.project_factor_id, a.co2e_mg, a.points, a.capped_by,
            a.partner_id, (a.quantity * 1000)::bigint AS milli
        FROM actions a WHERE {MINE.format(table="a")} OFFSET 0) AS z
    LEFT JOIN rules r ON r.judged_by = {judged_by("z.task_version_id", "z.tier", "z.methodology_id")}
        AND r.quantified_by = {quantified_by("z.baseline_factor_id", "z.project_factor_id")}
    OFFSET 0) AS y
GROUP BY y.resident_id
"""  # noqa: S608  the parts are ours
"""Each action: its number, its award and reversal, its partner's record; its place in scores, years, participations and
totals; and whether its own grams, points and day agree with its rules. OFFSET 0 keeps an expression from being
computed again wherever it is used."""

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
_ACCOUNT = f"""e.points * CASE e.contra WHEN 'issuance' THEN %(issuance_weight)s WHEN 'redemption' THEN %(redeemed_weight)s
        WHEN 'expiry' THEN %(expiry_weight)s ELSE %(adjusted_weight)s END + {_BROKEN.format(right=FITS)}"""
ENTRIES = f"""
SELECT e.resident_id, bit_xor({mark("e.balance_after", "e.seq", salt="entry_chain")}
        # {mark("e.balance_after - e.points", "e.seq - 1", salt="entry_chain")} # CASE e.kind {_POSTED} ELSE 0 END) AS seal,
    {total(_ACCOUNT)} AS scale,
    {total(_MOVED)} AS city, 0, count(*)::int, 0
FROM ledger_entries e WHERE {MINE.format(table="e")} GROUP BY e.resident_id
"""  # noqa: S608  the parts are ours

WALLETS = f"""
SELECT w.resident_id,
    {mark("0::bigint", salt="action_chain")} # {mark("w.action_seq::bigint", salt="action_chain")}
    # {mark("0::bigint", salt="redemption_chain")} # {mark("w.redemption_seq::bigint", salt="redemption_chain")}
    # {mark("0::bigint", salt="entry_chain")} # {mark("w.balance", "w.entry_seq", salt="entry_chain")},
    -({amount("w.earned", "w.co2e_mg", "w.actions")} * %(lifetime_weight)s %% {PRIME})
    - w.earned * %(issuance_weight)s %% {PRIME} + w.spent * %(redeemed_weight)s %% {PRIME}
    + w.expired * %(expiry_weight)s %% {PRIME} - w.adjusted * %(adjusted_weight)s %% {PRIME}
    - w.held * %(held_weight)s %% {PRIME} - w.balance * %(balance_weight)s %% {PRIME} - %(member_weight)s, 0, 0, 0, 1
FROM wallets w WHERE {MINE.format(table="w")}
"""  # noqa: S608  the parts are ours

_MISPLACED = "CASE WHEN l.remaining < 0 AND l.expires_on <> DATE '9999-12-31' THEN %(broken_weight)s ELSE 0 END"
LOTS = f"""
SELECT l.resident_id, 0, {total("l.remaining * %(balance_weight)s")}
    + CASE WHEN min(l.remaining) < 0 AND max(l.remaining) > 0 THEN %(broken_weight)s ELSE 0 END
    + {total(_MISPLACED)}, 0, 0, 0, 0
FROM lots l WHERE {MINE.format(table="l")} GROUP BY l.resident_id
"""  # noqa: S608  the parts are ours

_STATE = "CASE h.state WHEN 'held' THEN 0 WHEN 'captured' THEN 1 ELSE 2 END"
_STATUS = "CASE d.status WHEN 'reserved' THEN 0 WHEN 'fulfilled' THEN 1 ELSE 2 END"
_HELD = f"""CASE WHEN h.state = 'held' THEN h.points * %(held_weight)s ELSE 0 END
    + {_BROKEN.format(right="h.reference_kind = 'redemption'")}"""
HOLDS = f"""
SELECT h.resident_id, bit_xor({mark("h.points", "h.reference_id", salt="hold")}
        # CASE WHEN h.state = 'released' THEN {mark("h.points", "h.reference_id", salt="give_back")} ELSE 0 END
        # {mark(f"h.points * 4 + {_STATE}", "h.reference_id", salt="redemption")}),
    {total(_HELD)}, 0, 0, 0, 0
FROM holds h WHERE {MINE.format(table="h")} GROUP BY h.resident_id
"""  # noqa: S608  the parts are ours

_PRICED = _BROKEN.format(right="d.points = d.quantity * (v.terms->>'price_points')::bigint")
REDEMPTIONS = f"""
SELECT d.resident_id, bit_xor({mark("d.seq", salt="redemption_chain")} # {mark("d.seq - 1", salt="redemption_chain")}
        # {mark(f"d.points * 4 + {_STATUS}", "d.seq", salt="redemption")}),
    {total(_PRICED)}, 0, 0, 0, 0
FROM redemptions d LEFT JOIN reward_versions v ON v.reward_id = d.reward_id AND v.version = d.reward_version
WHERE {MINE.format(table="d")} GROUP BY d.resident_id
"""  # noqa: S608  the parts are ours

_SCORE = f"{amount('s.points', 's.co2e_mg', 's.actions')} * {of_text('s.period', day_number('s.starts_on'), salt='period')}"
_ON_A_DAY = f"""CASE WHEN s.actions <= 0 THEN 0 WHEN s.period = 'day' THEN {presence(group("s.starts_on", "-1", "-1"))}
    WHEN s.period = 'all' THEN {presence(group(f"DATE '{EVER}'", "-1", "-1"))} ELSE 0 END"""
SCORES = f"""
SELECT s.resident_id, 0, -{total(_SCORE)}, {total(_ON_A_DAY)}, 0, 0, 0
FROM period_scores s WHERE {MINE.format(table="s")} GROUP BY s.resident_id
"""  # noqa: S608  the parts are ours

_HERE = place(group("o.day", "o.task_id", "coalesce(o.district_id, 0)"))
_DELTA = amount("o.points", "o.co2e_mg", "o.actions")
_WAITING = f"""CASE o.kind WHEN 'action' THEN
    {_DELTA} * (SELECT scores FROM days)[{day_number("o.day")}] + o.actions * {_HERE} ELSE 0 END"""
_WAITING_IN_CITY = f"""CASE o.kind WHEN 'moved' THEN 0
    WHEN 'action' THEN {_DELTA} * {TOTAL.format(place=_HERE, tier=of_text("o.tier", salt="tier"))}
    ELSE {amount("o.points", "0", "1")} * {of_text("o.kind", day_number("o.day"), salt="movement")} END"""
OUTBOX = f"""
SELECT o.resident_id, 0, -{total(_WAITING)}, -{total(_WAITING_IN_CITY)}, 0, 0, 0
FROM outbox o WHERE {MINE.format(table="o")} GROUP BY o.resident_id
"""  # noqa: S608  the parts are ours

_PRESENT = f"""CASE WHEN y.actions > 0 THEN {presence("y.marked")} + {presence(group("y.day", "y.task_id", "-1"))}
    ELSE 0 END"""
PARTICIPATIONS = f"""
SELECT y.resident_id, 0, -{total(f"y.actions * {place('y.marked')}")}, {total(_PRESENT)}, 0, 0, 0
FROM (SELECT c.resident_id, c.day, c.task_id, c.actions, {group("c.day", "c.task_id", "c.district_id")} AS marked
    FROM participations c WHERE {MINE.format(table="c")} OFFSET 0) AS y
GROUP BY y.resident_id
"""  # noqa: S608  the parts are ours

SMALL = (
    f"""
SELECT p.resident_id, 0, %(member_weight)s, 0, 0, 0, 0 FROM residents p WHERE {MINE.format(table="p")}
""",  # noqa: S608  the parts are ours
    f"""
SELECT n.resident_id, 0, -{total(f"n.points * {weight('n.year::int', salt='year')}")}, 0, 0, 0, 0
FROM yearly_points n WHERE {MINE.format(table="n")} GROUP BY n.resident_id
""",  # noqa: S608  the parts are ours
    f"""
SELECT x.resident_id, bit_xor({mark("x.partner_id", "x.action_seq", salt="event")}), -{total("%(events_weight)s")}, 0, 0, 0, 0
FROM external_events x WHERE {MINE.format(table="x")} GROUP BY x.resident_id
""",  # noqa: S608  the parts are ours
    f"""
SELECT j.resident_id, bit_xor({mark("j.points", "j.id", salt="adjustment")}), 0, 0, 0, 0, 0
FROM adjustments j WHERE {MINE.format(table="j")} AND j.status = 'approved' GROUP BY j.resident_id
""",  # noqa: S608  the parts are ours
)

_OWN = PARTITION.format(partition=f"resident_id %% {PARTITIONS}")
_TABLES = (ACTIONS, ENTRIES, WALLETS, LOTS, HOLDS, REDEMPTIONS, SCORES, OUTBOX, PARTICIPATIONS, *SMALL)
SCREEN = f"""
WITH {DAYS}, {RULES},
agreed AS (
    SELECT resident_id, bit_xor(seal) AS seal, {total("scale")} AS scale, {total("city")} AS city,
        sum(actions) AS actions, sum(entries) AS entries, sum(wallets) AS wallets
    FROM ({" UNION ALL ".join(_TABLES)}) AS side GROUP BY resident_id)
SELECT coalesce(sum(wallets), 0)::bigint, coalesce(sum(actions), 0)::bigint, coalesce(sum(entries), 0)::bigint,
    coalesce({total(f"city %% {PRIME} * {_OWN}")}, 0),
    array_agg(resident_id ORDER BY resident_id) FILTER (WHERE seal <> 0 OR scale %% {PRIME} <> 0)
FROM agreed
"""  # noqa: S608  the parts are ours
"""Answers one row: residents, actions, entries, what is left of the city's sums, and whose books do not agree."""
