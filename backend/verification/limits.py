"""How often a task may count, and what it may earn a day: as strict as any version of the rules that judged that day.

The city-wide caps are settings, which leave no trace when they are changed: they are not checked here.
"""

from backend.verification.sides import OF_THE_CHUNK, mine

_BOUNDS = """
bounds AS MATERIALIZED (
    SELECT array_agg(CASE WHEN v.a_day THEN v.allowed ELSE 1000000 END ORDER BY n) AS allowed,
        array_agg(coalesce(v.cap, 2000000000) ORDER BY n) AS caps,
        array_agg(coalesce(v.most, 2000000000) ORDER BY n) AS most
    FROM generate_series(1, (SELECT max(id) FROM green_tasks)) AS n
    LEFT JOIN (SELECT t.task_id, bool_or(t.limit_period = 'day') AS a_day, min(t.limit_count) AS allowed,
        min(t.points_cap_day) AS cap,
        max(CASE e.basis WHEN 'fixed' THEN e.points ELSE coalesce(e.max, 2000000000) END) AS most
        FROM task_versions t
        CROSS JOIN LATERAL jsonb_to_recordset(t.evidence) AS e (basis text, points bigint, max bigint)
        GROUP BY t.task_id) AS v ON v.task_id = n),
monthly AS MATERIALIZED (SELECT id FROM task_versions WHERE limit_period = 'month'),
shared AS MATERIALIZED (
    SELECT v.id, e.tier, e.shared_limit->>'group' AS name, (e.shared_limit->>'per_day')::int AS per_day,
        (SELECT min(n.created_at) FROM task_versions n WHERE n.task_id = v.task_id AND n.version > v.version
            AND NOT n.evidence @> jsonb_build_array(jsonb_build_object('tier', e.tier,
                'shared_limit', jsonb_build_object('group', e.shared_limit->'group')))) AS left_at
    FROM task_versions v CROSS JOIN LATERAL jsonb_to_recordset(v.evidence) AS e (tier text, shared_limit jsonb)
    WHERE jsonb_typeof(e.shared_limit) = 'object')
"""
"""The strictest that a task ever was, and the most that one of its actions may earn, as arrays by its id; and of rules
in the group of a shared limit since when, by a later version, they are not."""
_ALL_DAYS = """
full_days AS MATERIALIZED (
    SELECT a.resident_id, a.local_day, a.task_id FROM actions a
    WHERE a.resident_id = ANY(%(residents)s) AND a.status IN ('credited', 'pending')
    GROUP BY a.resident_id, a.local_day, a.task_id)
"""
# Participations say how often, unless they differ from the actions: then the screen has found it, and whoever it has
# found is looked at by all days. What is not in them yet, or in several rows of them, is added.
_FULL_DAYS = f"""
several AS MATERIALIZED (
    SELECT c.resident_id FROM participations {mine("c")} GROUP BY c.resident_id
    HAVING min(c.district_id) <> max(c.district_id)),
full_days AS MATERIALIZED (
    SELECT c.resident_id, c.day AS local_day, c.task_id FROM participations {mine("c")}
        AND (c.actions > (SELECT allowed FROM bounds)[c.task_id]
            OR c.actions * (SELECT most FROM bounds)[c.task_id] > (SELECT caps FROM bounds)[c.task_id])
    UNION SELECT c.resident_id, c.day, c.task_id FROM several s JOIN participations c ON c.resident_id = s.resident_id
    UNION SELECT o.resident_id, o.day, o.task_id FROM outbox {mine("o")} AND o.kind = 'action'
    UNION SELECT p.resident_id, p.local_day, p.task_id FROM actions {mine("p")} AND p.status = 'pending')
"""  # noqa: S608  the parts are ours
"""Days that may have been too full: few, so that of the actions only theirs are grouped."""
_DAILY = """
SELECT a.resident_id, a.local_day, 'task ' || a.task_id AS what, count(*) AS used,
    max(CASE v.limit_period WHEN 'day' THEN v.limit_count ELSE 1000000 END)::bigint AS allowed, sum(a.points) AS points,
    max(coalesce(v.points_cap_day, 2000000000))::bigint AS cap
FROM full_days d
JOIN actions a ON a.resident_id = d.resident_id AND a.local_day = d.local_day AND a.task_id = d.task_id
    AND a.status IN ('credited', 'pending')
JOIN task_versions v ON v.id = a.task_version_id
GROUP BY a.resident_id, a.local_day, a.task_id
"""
_MONTHLY = """
SELECT a.resident_id, date_trunc('month', a.local_day::timestamp)::date, 'task ' || a.task_id || ' in the month',
    count(*), max(v.limit_count), 0, 0
FROM actions a JOIN task_versions v ON v.id = a.task_version_id
WHERE {mine} AND a.status IN ('credited', 'pending') AND a.task_version_id = ANY(ARRAY(SELECT id FROM monthly))
GROUP BY a.resident_id, 2, a.task_id HAVING count(*) > max(v.limit_count)
"""
# An action is judged by which tasks are in the group now, and no longer counts where its own has left it since: none is
# counted that had left when the day's last was judged, which may be a while after the moment it is posted at.
_SHARED = """
SELECT a.resident_id, a.local_day, s.name, count(*) - (
        SELECT count(*) FROM unnest(array_agg(s.left_at) FILTER (WHERE s.left_at IS NOT NULL)) AS left_at
        WHERE left_at < max(a.posted_at) + interval '1 hour'), max(s.per_day), 0, 0
FROM actions a JOIN shared s ON s.id = a.task_version_id AND s.tier = a.tier
WHERE {mine} AND a.status IN ('credited', 'pending') AND a.tier = ANY(ARRAY(SELECT tier FROM shared))
GROUP BY a.resident_id, a.local_day, s.name HAVING count(*) > max(s.per_day)
"""


def of(which: str) -> str:
    """The statement for the residents of OF_THE_CHUNK or of OF_THE_NAMED (see `sides`), each difference once."""
    parts = " UNION ALL ".join(part.format(mine=which) for part in (_DAILY, _MONTHLY, _SHARED))
    days = _FULL_DAYS if which == OF_THE_CHUNK else _ALL_DAYS
    return f"""
WITH {_BOUNDS}, {days}, over AS ({parts})
SELECT resident_id, local_day || ': actions of ' || what, 'at most ' || allowed, used::text
FROM over WHERE used > allowed
UNION ALL
SELECT resident_id, local_day || ': points of ' || what, 'at most ' || cap, points::text FROM over WHERE points > cap
ORDER BY 1, 2
"""  # noqa: S608  the parts are ours
