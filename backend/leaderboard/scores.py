"""How a board's score holds a value exactly, and who reached it first to a tick, in a double (docs/adr/0027).

A sorted set orders by a double, and a double holds whole numbers exactly up to 53 bits. The high bits are the value,
the low bits count *down* with time, so that of two equal values the earlier is the greater score:

* points: 21 bits of points (2,097,151: a hundred years at the yearly cap), 32 bits of seconds since 2020 (to 2156).
* co2e: 40 bits of milligrams (1,099 tonnes), 13 bits of time since the period began, in ticks that reach past the
  period's end by more than the days in which late trips are still taken: a minute for a day, five days for all time.

A greater value than fits counts as the greatest that fits. Value 0 is score 0 whenever it was reached, and is not
shown. Beyond the tick, equal scores go by the resident's id as text, in Redis and in PostgreSQL alike.
"""

from datetime import UTC, datetime, timedelta

METRICS = ("points", "co2e")
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MOST = {"points": 2**21 - 1, "co2e": 2**40 - 1}
TIME_BITS = {"points": 32, "co2e": 13}
TICK_S = {"day": 60, "week": 120, "month": 400, "year": 4_000, "all": 432_000}
EASTERNMOST = timedelta(hours=14)
"""A city day begins at the earliest so long before the same day in UTC: no time zone needs to be known here."""


def value_of(metric: str, score: float) -> int:
    """The value that a score holds."""
    return int(score) >> TIME_BITS[metric]


def _clamped(ticks: str, *, metric: str) -> str:
    latest = 2 ** TIME_BITS[metric] - 1
    return f"({latest} - LEAST(GREATEST({ticks}, 0), {latest}))"


_SECONDS = "floor(extract(epoch FROM {column}))::bigint"
_BEGAN = f"((s.starts_on - DATE '1970-01-01')::bigint * 86400 - {int(EASTERNMOST.total_seconds())})"
_TICK = "CASE s.period " + " ".join(f"WHEN '{kind}' THEN {tick}" for kind, tick in TICK_S.items()) + " END"

_POINTS_TICKS = f"{_SECONDS.format(column='s.points_reached_at')} - {int(EPOCH.timestamp())}"
_CO2E_TICKS = f"({_SECONDS.format(column='s.co2e_reached_at')} - {_BEGAN}) / ({_TICK})"

SCORE = {
    "points": f"""
        CASE WHEN s.points <= 0 THEN 0 ELSE (LEAST(s.points, {MOST["points"]}) << {TIME_BITS["points"]})
        | {_clamped(_POINTS_TICKS, metric="points")} END""",
    "co2e": f"""
        CASE WHEN s.co2e_mg <= 0 THEN 0 ELSE (LEAST(s.co2e_mg, {MOST["co2e"]}) << {TIME_BITS["co2e"]})
        | {_clamped(_CO2E_TICKS, metric="co2e")} END""",
}
"""SQL: the score of a row `s` of period_scores."""
