"""What every rebuild of scores must at least do: the sums of residents by day, week, month, year and all time.

Longer periods are summed from shorter ones, which is the cheapest way known. All sums are used at the end: PostgreSQL
leaves out what a subquery computes for nobody, and would only count groups.
"""

_ADDED = """
sum(points)::bigint AS points, sum(co2e_mg)::bigint AS co2e_mg, sum(actions)::bigint AS actions, max(at) AS at
"""


def _longer(unit: str, *, of: str) -> str:
    return f"""
    SELECT resident_id, date_trunc('{unit}', starts_on::timestamp)::date AS starts_on, {_ADDED}
    FROM {of} GROUP BY resident_id, 2"""


SUMS = f"""
WITH days AS MATERIALIZED (
    SELECT resident_id, local_day AS starts_on, sum(points)::bigint AS points, sum(co2e_mg)::bigint AS co2e_mg,
        count(*) AS actions, max(posted_at) AS at
    FROM actions WHERE status = 'credited' AND resident_id BETWEEN {{first}} AND {{last}}
    GROUP BY resident_id, local_day),
weeks AS ({_longer("week", of="days")}),
months AS MATERIALIZED ({_longer("month", of="days")}),
years AS MATERIALIZED ({_longer("year", of="months")}),
ever AS (SELECT resident_id, DATE '2000-01-01' AS starts_on, {_ADDED} FROM years GROUP BY resident_id)
SELECT count(*), sum(points), sum(co2e_mg), sum(actions), max(at), max(starts_on)
FROM (TABLE days UNION ALL TABLE weeks UNION ALL TABLE months UNION ALL TABLE years UNION ALL TABLE ever) AS score
"""
"""Of residents `first` to `last`: one row, thrown away."""
