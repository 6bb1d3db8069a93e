"""Projections that residents own: what the table says and what waits in the outbox together follow from the actions."""

from backend.leaderboard.periods import STARTS

SCORES = (
    f"""
WITH deed AS (
    SELECT resident_id, local_day AS day, points, co2e_mg, 1 AS actions FROM actions
    WHERE resident_id = ANY(%(residents)s) AND status = 'credited'
    UNION ALL
    SELECT resident_id, day, -points, -co2e_mg, -actions FROM outbox
    WHERE resident_id = ANY(%(residents)s) AND kind = 'action'),
due AS (
    SELECT d.resident_id, p.period, p.starts_on, sum(d.points) AS points, sum(d.co2e_mg) AS co2e_mg,
        sum(d.actions) AS actions
    FROM deed d CROSS JOIN LATERAL {STARTS.format(day="d.day")} AS p (period, starts_on) GROUP BY 1, 2, 3),
told AS (
    SELECT resident_id, period, starts_on, points, co2e_mg, actions FROM period_scores
    WHERE resident_id = ANY(%(residents)s))
SELECT resident_id, period || ' from ' || starts_on || ': ' || what, expected::text, found::text
FROM due FULL JOIN told USING (resident_id, period, starts_on)
CROSS JOIN LATERAL (VALUES ('points', coalesce(due.points, 0), coalesce(told.points, 0)),
    ('milligrams', coalesce(due.co2e_mg, 0), coalesce(told.co2e_mg, 0)),
    ('actions', coalesce(due.actions, 0), coalesce(told.actions, 0))) AS pair (what, expected, found)
WHERE expected <> found ORDER BY resident_id, starts_on, period, what
""",  # noqa: S608  the parts are ours
)
PARTICIPATIONS = (
    """
WITH due AS (
    SELECT resident_id, day, task_id, district_id, sum(actions) AS actions FROM (
        SELECT resident_id, local_day AS day, task_id, coalesce(district_id, 0) AS district_id, 1 AS actions
        FROM actions WHERE resident_id = ANY(%(residents)s) AND status = 'credited'
        UNION ALL
        SELECT resident_id, day, task_id, coalesce(district_id, 0), -actions FROM outbox
        WHERE resident_id = ANY(%(residents)s) AND kind = 'action') AS deed
    GROUP BY resident_id, day, task_id, district_id),
told AS (SELECT * FROM participations WHERE resident_id = ANY(%(residents)s))
SELECT resident_id, day || ': actions of task ' || task_id || ' in district ' || district_id,
    coalesce(due.actions, 0)::text, coalesce(told.actions, 0)::text
FROM due FULL JOIN told USING (resident_id, day, task_id, district_id)
WHERE coalesce(due.actions, 0) <> coalesce(told.actions, 0) ORDER BY resident_id, day, task_id
""",
)
