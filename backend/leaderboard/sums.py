"""SQL that makes sums by day into sums by every period: longer ones from shorter ones.

Each day is added to its week and its month, months to years, and years to all time. Adding each day to all five at
once takes twice as long.
"""

from backend.leaderboard.periods import EVER

_ADDED = """
sum(points)::bigint AS points, max(points_at) AS points_at, sum(co2e_mg)::bigint AS co2e_mg, max(co2e_at) AS co2e_at,
    sum(actions)::int AS actions
"""
"""What is summed; of the instants at which a sum moved the latest."""
COLUMNS = "points, points_at, co2e_mg, co2e_at, actions"


def _longer(unit: str, *, of: str) -> str:
    return f"""(
    SELECT resident_id, date_trunc('{unit}', starts_on::timestamp)::date AS starts_on, {_ADDED}
    FROM {of} GROUP BY resident_id, 2)"""  # noqa: S608  the parts are ours


def by_period(of: str) -> str:
    """Common table expressions of the sums by day, week, month, year and ever.

    `of`: the relation that is summed (resident_id, day, COLUMNS).
    """
    return f"""
days AS MATERIALIZED (SELECT resident_id, day AS starts_on, {_ADDED} FROM {of} GROUP BY resident_id, day),
weeks AS {_longer("week", of="days")},
months AS MATERIALIZED {_longer("month", of="days")},
years AS MATERIALIZED {_longer("year", of="months")},
lifetimes AS (SELECT resident_id, DATE '{EVER}' AS starts_on, {_ADDED} FROM years GROUP BY resident_id)
"""  # noqa: S608  the parts are ours


PERIODS = (("day", "days"), ("week", "weeks"), ("month", "months"), ("year", "years"), ("all", "lifetimes"))
"""Kinds of period, and where their sums are."""
ALL = " UNION ALL ".join(
    f"SELECT resident_id, '{kind}' AS period, starts_on, {COLUMNS} FROM {sums}"  # noqa: S608  the parts are ours
    for kind, sums in PERIODS
)
"""SQL after `by_period`: a row for each resident and period (resident_id, period, starts_on, COLUMNS)."""
