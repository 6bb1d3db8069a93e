"""SQL that folds actions into period scores and makes of them what boards are told. Parts of the projector's statement.

They read from a relation `deed` (resident_id, day, points, co2e_mg, actions, posted_at): rows of the outbox.
"""

from collections.abc import Collection

from backend.leaderboard import sums
from backend.leaderboard.scores import SCORE

GAIN = f"""
dated AS (
    SELECT resident_id, day, points, co2e_mg, actions, CASE WHEN points <> 0 THEN posted_at END AS points_at,
        CASE WHEN co2e_mg <> 0 THEN posted_at END AS co2e_at
    FROM deed),
{sums.by_period(of="dated")},
gain AS ({sums.ALL})
"""  # noqa: S608  the parts are ours
"""What each period of each resident gains; of the instants the latest at which the sum moved."""

SCORES = """
score AS (
    INSERT INTO period_scores AS p
        (resident_id, period, starts_on, points, points_reached_at, co2e_mg, co2e_reached_at, actions)
    SELECT resident_id, period, starts_on, points, points_at, co2e_mg, co2e_at, actions
    FROM gain ORDER BY resident_id, period, starts_on
    ON CONFLICT (resident_id, period, starts_on) DO UPDATE SET
        points = p.points + excluded.points,
        points_reached_at = GREATEST(p.points_reached_at, excluded.points_reached_at),
        co2e_mg = p.co2e_mg + excluded.co2e_mg,
        co2e_reached_at = GREATEST(p.co2e_reached_at, excluded.co2e_reached_at),
        actions = p.actions + excluded.actions
    RETURNING p.*)
"""

# Joined by grouping: the planner takes the two for a few rows, and would try each with each.
NEWCOMERS = """
ever AS (
    SELECT resident_id, (sum(later) > 0)::int - (sum(later) - sum(gained) > 0)::int AS change
    FROM (SELECT resident_id, actions AS later, 0 AS gained FROM score WHERE period = 'all'
        UNION ALL SELECT resident_id, 0, actions FROM gain WHERE period = 'all') AS both_sides
    GROUP BY resident_id)
"""
"""Who takes part for the first time (1), or has nothing left (-1)."""

BOARDS = """
unnest(%(metrics)s::text[], %(kinds)s::text[], %(starts)s::date[], %(scopes)s::text[], %(areas)s::int[])
    WITH ORDINALITY AS b (metric, kind, starts_on, scope, area_id, place)
"""
AREA = {"city": "0", "district": "w.district_id", "community": "w.community_id"}
"""SQL: the area of each scope that a row `w` falls under."""


def words(scopes: Collection[str]) -> str:
    """For each live board (by its place from 1) `score member score member …` of the residents whose score moved.

    `scopes`: those that live boards have. What moved is put together by period and area, and then given to its boards.
    """
    together = " UNION ALL ".join(_TOGETHER.format(scope=scope, area=AREA[scope]) for scope in AREA if scope in scopes)
    return f"""
live AS MATERIALIZED (SELECT * FROM {BOARDS}),
{_OF_CITY if set(scopes) == {"city"} else _OF_AREAS},
together AS ({together}),
words AS (
    SELECT b.place::int AS place, CASE b.metric WHEN 'points' THEN t.points ELSE t.co2e END AS words
    FROM together t JOIN live b
        ON b.scope = t.scope AND b.kind = t.period AND b.starts_on = t.starts_on AND b.area_id = t.area_id)
"""  # noqa: S608  the parts are ours


# In a CASE, so that it is looked up in a hash. The planner takes a batch for a few rows, and might join it by trying
# each row with each board.
_IS_LIVE = "CASE WHEN ({row}) IN (SELECT {board} FROM live WHERE {scope}) THEN TRUE END"
_WORD = ", ".join(f"({sql})::text || ' ' || s.resident_id::text AS {metric}" for metric, sql in SCORE.items())
_IN_LIVE_PERIOD = _IS_LIVE.format(row="s.period, s.starts_on", board="kind, starts_on", scope="TRUE")
_IN_LIVE_AREA = _IS_LIVE.format(
    row="w.period, w.starts_on, {area}", board="kind, starts_on, area_id", scope="scope = '{scope}'"
)
_OF_CITY = f"scored AS (SELECT s.period, s.starts_on, {_WORD} FROM score s)"  # noqa: S608  the parts are ours
_OF_AREAS = f"""
scored AS MATERIALIZED (
    SELECT s.period, s.starts_on, r.district_id, r.community_id, {_WORD}
    FROM score s JOIN residents r ON r.resident_id = s.resident_id WHERE {_IN_LIVE_PERIOD})
"""  # noqa: S608  the parts are ours
"""The same words for all scopes."""
_TOGETHER = f"""
SELECT '{{scope}}' AS scope, w.period, w.starts_on, {{area}} AS area_id,
    {", ".join(f"string_agg(w.{metric}, ' ') AS {metric}" for metric in SCORE)}
FROM scored w WHERE {_IN_LIVE_AREA} GROUP BY 2, 3, 4
"""  # noqa: S608  the parts are ours


MOVED = f"""
SELECT b.place::int, s.resident_id IS NOT NULL AND stays.here AS belongs, string_agg(
    (CASE WHEN NOT stays.here THEN 0 WHEN b.metric = 'points' THEN {SCORE["points"]} ELSE {SCORE["co2e"]} END)::text
    || ' ' || r.resident_id::text, ' ')
FROM residents r CROSS JOIN {BOARDS}
CROSS JOIN LATERAL (SELECT coalesce(b.area_id = CASE b.scope WHEN 'district' THEN r.district_id ELSE r.community_id END,
    FALSE) AS here) AS stays
LEFT JOIN period_scores s ON s.resident_id = r.resident_id AND s.period = b.kind AND s.starts_on = b.starts_on
WHERE r.resident_id = ANY(%(movers)s) AND b.scope <> 'city' AND (s.resident_id IS NOT NULL OR NOT stays.here)
GROUP BY 1, 2
"""  # noqa: S608  the parts are ours
"""For each live board the words of the residents who live elsewhere now, by whether they belong on it."""
