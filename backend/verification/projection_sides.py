"""What the projections put on the scales, against the actions, together with what waits in the outbox."""

from backend.totals.models import OF_ALL_TIME
from backend.verification.fingerprints import (
    amount,
    day_number,
    day_weight,
    group,
    place,
    presence,
    total,
    weight_of_text,
)
from backend.verification.sides import mine, side
from backend.verification.weights import TOTAL

_PERIOD = weight_of_text("s.period", day_number("s.starts_on"), salt="period")
SCORES = side(
    "s",
    f"period_scores {mine('s')}",
    scale="-" + total(f"{amount('s.points', 's.co2e_mg', 's.actions')} * {_PERIOD}"),
    city=total(
        f"""CASE WHEN s.actions <= 0 THEN 0 WHEN s.period = 'day' THEN {presence(group("s.starts_on", "-1", "-1"))}
        WHEN s.period = 'all' THEN {presence(group(f"DATE '{OF_ALL_TIME}'", "-1", "-1"))} ELSE 0 END"""
    ),
    days=total(f"CASE WHEN s.period = 'day' AND s.actions > 0 THEN {day_weight('s.starts_on')} ELSE 0 END"),
)
_GROUP = group("c.day", "c.task_id", "c.district_id")
PARTICIPATIONS = side(
    "c",
    f"participations {mine('c')}",
    scale="-" + total(f"c.actions * {place(_GROUP)}"),
    city=total(
        f"""CASE WHEN c.actions > 0 THEN {presence(_GROUP)} + {presence(group("c.day", "c.task_id", "-1"))}
        ELSE 0 END"""
    ),
    low="min(CASE WHEN c.actions > 0 THEN c.district_id END)",
    high="max(CASE WHEN c.actions > 0 THEN c.district_id END)",
)
_DELTA = amount("o.points", "o.co2e_mg", "o.actions")
_HERE = place(group("o.day", "o.task_id", "coalesce(o.district_id, 0)"))
_IN_PERIODS = f"{_DELTA} * (SELECT scores FROM days)[{day_number('o.day')}] + o.actions * {_HERE}"  # noqa: S608  ours
_IN_TOTALS = f"{_DELTA} * {TOTAL.format(place=_HERE, tier=weight_of_text('o.tier', salt='tier'))}"
_MOVED = f"{amount('o.points', '0', '1')} * {weight_of_text('o.kind', day_number('o.day'), salt='movement')}"
OUTBOX = side(
    "o",
    f"outbox {mine('o')}",
    scale="-" + total(f"CASE o.kind WHEN 'action' THEN {_IN_PERIODS} ELSE 0 END"),
    city="-" + total(f"CASE o.kind WHEN 'moved' THEN 0 WHEN 'action' THEN {_IN_TOTALS} ELSE {_MOVED} END"),
)
SIDES = (SCORES, PARTICIPATIONS, OUTBOX)
