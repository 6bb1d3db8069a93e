"""SQL that folds the outbox into the totals. Parts of the projector's statement.

They read from the relations `taken` (rows of the outbox), `deed` (those that are actions, district 0 for none) and
`ever` (resident_id, change: 1 who takes part for the first time, -1 who has nothing left).
"""

from backend.totals.models import OF_ALL_TIME

TOTALS = """
total AS (
    INSERT INTO totals AS t (partition, day, task_id, district_id, tier, co2e_mg, points, actions)
    SELECT %(partition)s, day, task_id, district_id, tier, sum(co2e_mg), sum(points), sum(actions)
    FROM deed GROUP BY day, task_id, district_id, tier
    ON CONFLICT (partition, day, task_id, district_id, tier) DO UPDATE SET co2e_mg = t.co2e_mg + excluded.co2e_mg,
        points = t.points + excluded.points, actions = t.actions + excluded.actions),
movement AS (
    INSERT INTO movements AS m (partition, day, kind, points, times)
    SELECT %(partition)s, day, kind, sum(points), count(*)
    FROM taken WHERE kind IN ('redeem', 'return', 'expire', 'adjust') GROUP BY day, kind
    ON CONFLICT (partition, day, kind) DO UPDATE SET points = m.points + excluded.points,
        times = m.times + excluded.times)
"""

# A statement sees its tables as they were before it: what `participations` held before comes from the table, what it
# holds after from that and the changes, and who was counted and who is to be counted follow from the two.
PARTICIPANTS = f"""
change AS (
    SELECT resident_id, day, task_id, district_id, sum(actions)::int AS actions
    FROM deed GROUP BY resident_id, day, task_id, district_id),
participation AS (
    INSERT INTO participations AS p (resident_id, day, task_id, district_id, actions)
    SELECT resident_id, day, task_id, district_id, actions FROM change ORDER BY resident_id, day, task_id, district_id
    ON CONFLICT (resident_id, day, task_id, district_id) DO UPDATE SET actions = p.actions + excluded.actions),
touched AS (SELECT DISTINCT resident_id, day FROM change),
presence AS (
    SELECT resident_id, day, task_id, district_id, sum(before) AS before, sum(after) AS after FROM (
        SELECT p.resident_id, p.day, p.task_id, p.district_id, p.actions AS before, p.actions AS after
        FROM touched t JOIN participations p ON p.resident_id = t.resident_id AND p.day = t.day
        UNION ALL SELECT resident_id, day, task_id, district_id, 0, actions FROM change) AS both_sides
    GROUP BY resident_id, day, task_id, district_id),
turn AS (
    SELECT day, CASE GROUPING(task_id) WHEN 1 THEN -1 ELSE task_id END AS task_id,
        CASE GROUPING(district_id) WHEN 1 THEN -1 ELSE district_id END AS district_id,
        bool_or(after > 0)::int - bool_or(before > 0)::int AS change
    FROM presence GROUP BY GROUPING SETS ((resident_id, day), (resident_id, day, task_id),
        (resident_id, day, district_id), (resident_id, day, task_id, district_id))
    UNION ALL SELECT DATE '{OF_ALL_TIME}', -1, -1, change FROM ever),
participant AS (
    INSERT INTO participants AS p (partition, day, task_id, district_id, residents)
    SELECT %(partition)s, day, task_id, district_id, sum(change)
    FROM turn WHERE change <> 0 GROUP BY day, task_id, district_id HAVING sum(change) <> 0
    ON CONFLICT (partition, day, task_id, district_id) DO UPDATE SET residents = p.residents + excluded.residents)
"""  # noqa: S608  a constant of ours
