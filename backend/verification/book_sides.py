"""What the books put on the scales: actions, entries, wallets, lots, holds, redemptions and what belongs to them."""

from backend.ledger.models import DEBT
from backend.verification.fingerprints import (
    PRIME,
    all_numbers,
    amount,
    broken_unless,
    day_number,
    group,
    mark,
    numbered,
    place,
    total,
    weight,
    weight_of_text,
)
from backend.verification.sides import mine, side
from backend.verification.weights import AGREES, CITY_DAY, TOTAL, judged_by, quantified_by

_NUMBER = day_number("z.local_day")
_JUDGED = f"""
    (SELECT z.resident_id, z.seq, z.points, z.partner_id, z.status = 'credited' AS credited,
        z.status = 'reversed' AS reversed, r.tier_weight, {amount("z.points", "z.co2e_mg", "1")} AS amount,
        {place(group("z.local_day", "z.task_id", "coalesce(z.district_id, 0)"))} AS place,
        (SELECT whole FROM days)[{_NUMBER}] AS whole, (SELECT years FROM days)[{_NUMBER}] AS year, {AGREES} AS agrees
    FROM (SELECT a.resident_id, a.seq, a.task_id, a.task_version_id, a.tier, a.status, a.quantity, a.happened_at,
            a.ended_at, a.local_day, a.district_id, a.methodology_id, a.baseline_factor_id, a.project_factor_id,
            a.co2e_mg, a.points, a.capped_by, a.partner_id, (a.quantity * 1000)::bigint AS milli
        FROM actions {mine("a")} OFFSET 0) AS z
    LEFT JOIN rules r ON r.judged_by = {judged_by("z.task_version_id", "z.tier", "z.methodology_id")}
        AND r.quantified_by = {quantified_by("z.baseline_factor_id", "z.project_factor_id")}
    OFFSET 0) AS y
"""  # noqa: S608  the parts are ours
"""OFFSET 0 keeps the planner from computing an expression again wherever it is used."""
ACTIONS = side(
    "y",
    _JUDGED,
    seal=f"""bit_xor(CASE WHEN y.points > 0 THEN {mark("y.points", "y.seq", salt="award")} ELSE 0 END
        # CASE WHEN y.reversed AND y.points > 0 THEN {mark("y.points", "y.seq", salt="reversal")} ELSE 0 END
        # CASE WHEN y.partner_id IS NULL THEN 0 ELSE {mark("y.partner_id", "y.seq", salt="event")} END)""",
    scale=total(
        f"""CASE WHEN y.credited THEN coalesce(y.amount * y.whole + y.points * y.year + y.place, 0) ELSE 0 END
        + CASE WHEN y.partner_id IS NULL THEN 0 ELSE %(events_weight)s END + {numbered("y.seq", salt="action")}
        + {broken_unless("y.agrees")}"""
    ),
    city=total(
        f"CASE WHEN y.credited THEN y.amount * {TOTAL.format(place='y.place', tier='y.tier_weight')} ELSE 0 END"
    ),
    actions="count(*)",
)
"""Each action: its number, award and reversal, its partner's record; its place in scores, years, participations and
totals; and whether its activity data are such as its rules take, and its grams, points and day what they make of it."""

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
        * {weight_of_text("e.kind", day_number(CITY_DAY.format(instant="e.posted_at")), salt="movement")} END
"""
ENTRIES = side(
    "e",
    f"ledger_entries {mine('e')}",
    seal=f"""bit_xor({mark("e.balance_after", "e.seq", salt="entry_chain")}
        # {mark("e.balance_after - e.points", "e.seq - 1", salt="entry_chain")} # CASE e.kind {_POSTED} ELSE 0 END)""",
    scale=total(
        f"""e.points * CASE e.contra WHEN 'issuance' THEN %(issuance_weight)s
            WHEN 'redemption' THEN %(redeemed_weight)s WHEN 'expiry' THEN %(expiry_weight)s
            ELSE %(adjusted_weight)s END + {broken_unless(FITS)}"""
    ),
    city=total(_MOVED),
    entries="count(*)",
)
WALLETS = side(
    "w",
    f"wallets {mine('w')}",
    grouped=False,
    seal=f"{mark('0::bigint', salt='entry_chain')} # {mark('w.balance', 'w.entry_seq', salt='entry_chain')}",
    scale=f"""-({amount("w.earned", "w.co2e_mg", "w.actions")} * %(lifetime_weight)s %% {PRIME})
        - w.earned * %(issuance_weight)s %% {PRIME} + w.spent * %(redeemed_weight)s %% {PRIME}
        + w.expired * %(expiry_weight)s %% {PRIME} - w.adjusted * %(adjusted_weight)s %% {PRIME}
        - w.held * %(held_weight)s %% {PRIME} - w.balance * %(balance_weight)s %% {PRIME} - %(member_weight)s
        - CASE WHEN w.frozen THEN %(frozen_weight)s ELSE 0 END
        - {all_numbers("w.action_seq", salt="action")} - {all_numbers("w.redemption_seq", salt="redemption")}""",
    wallets="1",
)
LOTS = side(
    "l",
    f"lots {mine('l')}",
    scale=f"""{total("l.remaining * %(balance_weight)s")}
        + {broken_unless("min(l.remaining) >= 0 OR max(l.remaining) <= 0")}
        + {total(broken_unless(f"l.remaining = 0 OR (l.remaining < 0) = (l.expires_on = DATE '{DEBT}')"))}
        + {total(broken_unless("NOT l.closed OR (l.remaining = 0 AND l.expires_on < %(last_day)s::date)"))}""",
)
_STATE = "CASE h.state WHEN 'held' THEN 0 WHEN 'captured' THEN 1 ELSE 2 END"
HOLDS = side(
    "h",
    f"holds {mine('h')}",
    seal=f"""bit_xor({mark("h.points", "h.reference_id", salt="hold")}
        # CASE WHEN h.state = 'released' THEN {mark("h.points", "h.reference_id", salt="give_back")} ELSE 0 END
        # {mark(f"h.points * 4 + {_STATE}", "h.reference_id", salt="redemption")})""",
    scale=total(
        f"""CASE WHEN h.state = 'held' THEN h.points * %(held_weight)s ELSE 0 END
        + {broken_unless("h.reference_kind = 'redemption'")}"""
    ),
)
_STATUS = "CASE d.status WHEN 'reserved' THEN 0 WHEN 'fulfilled' THEN 1 ELSE 2 END"
_WITH_TERMS = """(SELECT d.*, v.terms FROM redemptions d
    LEFT JOIN reward_versions v ON v.reward_id = d.reward_id AND v.version = d.reward_version) AS """
REDEMPTIONS = side(
    "d",
    _WITH_TERMS + mine("d"),
    seal=f"bit_xor({mark(f'd.points * 4 + {_STATUS}', 'd.seq', salt='redemption')})",
    scale=total(
        broken_unless("d.seq > 0 AND d.points = d.quantity * (d.terms->>'price_points')::bigint")
        + f" + {numbered('d.seq', salt='redemption')}"
    ),
)
RESIDENTS = side(
    "p",
    f"residents {mine('p')}",
    grouped=False,
    scale=f"""%(member_weight)s + CASE WHEN p.hidden OR p.state = 'erased' THEN %(frozen_weight)s ELSE 0 END
        + {broken_unless("NOT (p.hidden AND p.state = 'erased')")}""",
)
"""Each says of itself whether its wallet is frozen: by being hidden, or by having left, with nothing to hide."""
YEARS = side("n", f"yearly_points {mine('n')}", scale="-" + total(f"n.points * {weight('n.year::int', salt='year')}"))
EVENTS = side(
    "x",
    f"external_events {mine('x')}",
    seal=f"bit_xor({mark('x.partner_id', 'x.action_seq', salt='event')})",
    scale="-" + total("%(events_weight)s"),
)
ADJUSTMENTS = side(
    "j",
    f"adjustments {mine('j')} AND j.status = 'approved'",
    seal=f"bit_xor({mark('j.points', 'j.id', salt='adjustment')})",
)
SIDES = (ACTIONS, ENTRIES, WALLETS, LOTS, HOLDS, REDEMPTIONS, RESIDENTS, YEARS, EVENTS, ADJUSTMENTS)
