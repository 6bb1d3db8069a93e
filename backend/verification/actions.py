"""The book of actions: every gram from its activity data and factor versions, every point from its task's rule.

And the activity data itself as far as the rules bound it: what they would have refused has never been recorded.
"""

from backend.catalogue.rules import TIERS

_USED = """
judged AS (
    SELECT a.*, v.task_id AS task_of_version, v.counted_max, v.methodology AS task_methodology, m.code AS methodology,
        m.baseline_factor, m.project_factor, b.code AS baseline, p.code AS project,
        (b.valid_from <= a.local_day AND (b.valid_to IS NULL OR a.local_day < b.valid_to)) IS NOT FALSE
            AND (p.valid_from <= a.local_day AND (p.valid_to IS NULL OR a.local_day < p.valid_to)) IS NOT FALSE
            AS valid,
        GREATEST(0, coalesce(b.value_mg, 0) - coalesce(p.value_mg, 0)) AS net_mg,
        LEAST(a.quantity, v.counted_max) AS counted, t.rule
    FROM actions a
    LEFT JOIN task_versions v ON v.id = a.task_version_id
    LEFT JOIN methodologies m ON m.id = a.methodology_id
    LEFT JOIN emission_factors b ON b.id = a.baseline_factor_id
    LEFT JOIN emission_factors p ON p.id = a.project_factor_id
    LEFT JOIN LATERAL (SELECT rule FROM jsonb_array_elements(v.evidence) AS rule WHERE rule->>'tier' = a.tier) AS t
        ON TRUE
    WHERE a.resident_id = ANY(%(residents)s)),
due AS (
    SELECT j.*, CASE WHEN j.status IN ('credited', 'reversed') THEN floor(j.counted * j.net_mg) ELSE 0 END AS due_mg,
        GREATEST(CASE j.rule->>'basis' WHEN 'fixed' THEN (j.rule->>'points')::numeric
            WHEN 'quantity' THEN floor(j.counted * (j.rule->>'points')::numeric / (j.rule->>'per')::numeric)
            ELSE floor(floor(j.counted * j.net_mg) * (j.rule->>'points')::numeric / (j.rule->>'per')::numeric) END,
            coalesce((j.rule->>'min')::numeric, 0)) AS raw
    FROM judged j),
worth AS (
    SELECT d.*, CASE WHEN d.status IN ('credited', 'reversed') THEN floor(LEAST(d.raw, (d.rule->>'max')::numeric)
        * coalesce((d.rule->>'share_percent')::numeric, 100) / 100) ELSE 0 END AS due_points
    FROM due d)
"""
_GRAMS = f"""
WITH {_USED}
SELECT resident_id, 'action ' || seq || ': milligrams of ' || quantity || ' x ' || trim_scale(net_mg), due_mg::text,
    co2e_mg::text
FROM worth WHERE due_mg <> co2e_mg ORDER BY resident_id, seq
"""  # noqa: S608  the parts are ours
_POINTS = f"""
WITH {_USED}
SELECT resident_id, 'action ' || seq || ': points', CASE WHEN capped THEN 'less than ' ELSE '' END || due_points,
    points::text
FROM (SELECT *, capped_by IS NOT NULL AND status IN ('credited', 'reversed') AS capped FROM worth) AS w
WHERE CASE WHEN capped THEN points NOT BETWEEN 0 AND due_points - 1 ELSE points <> due_points END
ORDER BY resident_id, seq
"""  # noqa: S608  the parts are ours
_FACTORS = f"""
WITH {_USED}
SELECT resident_id, 'action ' || seq || ': methodology and factors', concat_ws(', ', coalesce(task_methodology, 'none'),
    baseline_factor, project_factor), concat_ws(', ', coalesce(methodology, 'none'), baseline, project)
FROM worth
WHERE task_methodology IS DISTINCT FROM methodology OR baseline_factor IS DISTINCT FROM baseline
    OR project_factor IS DISTINCT FROM project
UNION ALL
SELECT resident_id, 'action ' || seq || ': factor versions', 'valid on ' || local_day, 'not valid'
FROM worth WHERE NOT valid
ORDER BY 1, 2
"""  # noqa: S608  the parts are ours
_RULES = f"""
WITH {_USED}
SELECT resident_id, 'action ' || seq || ': rules', 'task ' || task_id || ', evidence ' || tier,
    CASE WHEN task_of_version IS NULL THEN 'no such version'
        WHEN task_of_version <> task_id THEN 'version of task ' || task_of_version ELSE 'evidence not accepted' END
FROM worth WHERE task_of_version IS DISTINCT FROM task_id OR rule IS NULL OR tier <> ALL(%(tiers)s)
ORDER BY resident_id, seq
"""  # noqa: S608  the parts are ours
_DAYS = """
SELECT resident_id, 'action ' || seq || ': day', (happened_at AT TIME ZONE %(zone)s)::date::text, local_day::text
FROM actions WHERE resident_id = ANY(%(residents)s) AND local_day <> (happened_at AT TIME ZONE %(zone)s)::date
UNION ALL
SELECT resident_id, 'action ' || seq || ': day', '2000-01-01 to ' || %(last_day)s, local_day::text FROM actions
WHERE resident_id = ANY(%(residents)s) AND (local_day < DATE '2000-01-01' OR local_day >= %(last_day)s::date)
ORDER BY 1, 2
"""
_ACTIVITY = """
WITH judged AS (
    SELECT a.*, v.unit, v.quantity_min, LEAST(v.quantity_max, trunc((rule->>'quantity_max')::numeric, 3)) AS most,
        v.trip, v.max_duration_s, v.max_speed_kmh, a.ended_at > a.happened_at
            AND (a.ended_at <= a.happened_at + v.max_duration_s * interval '1 second') IS NOT FALSE AS lasted
    FROM actions a JOIN task_versions v ON v.id = a.task_version_id
    CROSS JOIN LATERAL jsonb_array_elements(v.evidence) AS rule
    WHERE a.resident_id = ANY(%(residents)s) AND rule->>'tier' = a.tier),
trip AS (
    SELECT *, CASE WHEN lasted THEN extract(epoch FROM ended_at - happened_at) END AS seconds FROM judged WHERE trip)
SELECT resident_id, 'action ' || seq || ': quantity', trim_scale(quantity_min) || ' to ' || trim_scale(most),
    trim_scale(quantity)::text
FROM judged WHERE quantity NOT BETWEEN quantity_min AND most
UNION ALL
SELECT resident_id, 'action ' || seq || ': end', 'after ' || happened_at
    || coalesce(', by ' || max_duration_s || ' s at most', ''), coalesce(ended_at::text, 'none')
FROM trip WHERE lasted IS NOT TRUE
UNION ALL
SELECT resident_id, 'action ' || seq || ': speed', 'at most ' || trim_scale(max_speed_kmh) || ' km/h',
    trim_scale(quantity) || ' ' || unit || ' in ' || trim_scale(seconds) || ' s'
FROM trip WHERE quantity * 3600 > trunc(max_speed_kmh * 1000) * seconds
UNION ALL
SELECT resident_id, 'action ' || seq || ': partner', 'one', 'none'
FROM judged WHERE tier = 'partner' AND partner_id IS NULL
ORDER BY 1, 2
"""
STATEMENTS = (_GRAMS, _POINTS, _FACTORS, _RULES, _DAYS, _ACTIVITY)
PARAMETERS = {"tiers": list(TIERS)}
