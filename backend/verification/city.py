"""What the city adds up to: totals, movements and participants, against the actions, entries and participations."""

from collections.abc import Iterator
from typing import Any

from backend.database.abreast import Cursor
from backend.outbox import PARTITIONS
from backend.totals.models import ANY, OF_ALL_TIME
from backend.verification.difference import Difference
from backend.verification.fingerprints import (
    PRIME,
    amount,
    day_number,
    day_weight,
    district_weight,
    group,
    place,
    presence,
    total,
    weight_of_text,
)
from backend.verification.weights import CITY_DAY, PARTITION, TOTAL

_TOTAL = f"""{amount("points", "co2e_mg", "actions")}
    * {TOTAL.format(place=place(group("day", "task_id", "district_id")), tier=weight_of_text("tier", salt="tier"))}"""
_MOVEMENT = f"{amount('points', '0', 'times')} * {weight_of_text('kind', day_number('day'), salt='movement')}"
_GROUP = f"""residents * CASE WHEN task_id = {ANY} AND district_id <> {ANY}
    THEN {day_weight("day")} * {district_weight("district_id")} %% {PRIME}
    ELSE {presence(group("day", "task_id", "district_id"))} END"""
TOLD = f"""
SELECT coalesce({total(f"told %% {PRIME} * {PARTITION.format(partition='partition')}")}, 0) FROM (
    SELECT partition, {total(_TOTAL)} AS told FROM totals GROUP BY partition
    UNION ALL SELECT partition, {total(_MOVEMENT)} FROM movements GROUP BY partition
    UNION ALL SELECT partition, {total(_GROUP)} FROM participants GROUP BY partition) AS each_table
"""  # noqa: S608  the parts are ours
"""What the city's tables say; with all chunks' sides subtracted it leaves nothing."""

_TOTALS = f"""
WITH due AS (
    SELECT resident_id %% {PARTITIONS} AS partition, local_day AS day, task_id, coalesce(district_id, 0) AS district_id,
        tier, sum(co2e_mg) AS co2e_mg, sum(points) AS points, count(*) AS actions
    FROM actions WHERE status = 'credited' GROUP BY 1, 2, 3, 4, 5),
told AS (
    SELECT partition, day, task_id, district_id, tier, sum(co2e_mg) AS co2e_mg, sum(points) AS points,
        sum(actions) AS actions
    FROM (SELECT partition, day, task_id, district_id, tier, co2e_mg, points, actions FROM totals
        UNION ALL SELECT partition, day, task_id, coalesce(district_id, 0), tier, co2e_mg, points, actions FROM outbox
        WHERE kind = 'action') AS folded GROUP BY 1, 2, 3, 4, 5)
SELECT day || ', task ' || task_id || ', district ' || district_id || ', ' || tier || ', partition ' || partition
    || ': ' || what, expected::text, found::text
FROM due FULL JOIN told USING (partition, day, task_id, district_id, tier)
CROSS JOIN LATERAL (VALUES ('milligrams', coalesce(due.co2e_mg, 0), coalesce(told.co2e_mg, 0)),
    ('points', coalesce(due.points, 0), coalesce(told.points, 0)),
    ('actions', coalesce(due.actions, 0), coalesce(told.actions, 0))) AS pair (what, expected, found)
WHERE expected <> found ORDER BY day, task_id, district_id, tier, partition
"""  # noqa: S608  the parts are ours
_MOVEMENTS = f"""
WITH due AS (
    SELECT resident_id %% {PARTITIONS} AS partition, {CITY_DAY.format(instant="posted_at")} AS day, kind,
        sum(CASE WHEN kind IN ('adjust', 'return') THEN points ELSE -points END) AS points, count(*) AS times
    FROM ledger_entries WHERE kind NOT IN ('award', 'reversal') GROUP BY 1, 2, 3),
told AS (
    SELECT partition, day, kind, sum(points) AS points, sum(times) AS times
    FROM (SELECT partition, day, kind, points, times FROM movements
        UNION ALL SELECT partition, day, kind, points, 1 FROM outbox WHERE kind NOT IN ('action', 'moved')) AS folded
    GROUP BY 1, 2, 3)
SELECT day || ', ' || kind || ', partition ' || partition || ': ' || what, expected::text, found::text
FROM due FULL JOIN told USING (partition, day, kind)
CROSS JOIN LATERAL (VALUES ('points', coalesce(due.points, 0), coalesce(told.points, 0)),
    ('times', coalesce(due.times, 0), coalesce(told.times, 0))) AS pair (what, expected, found)
WHERE expected <> found ORDER BY day, kind, partition
"""  # noqa: S608  the parts are ours
_PARTICIPANTS = f"""
WITH due AS (
    SELECT resident_id %% {PARTITIONS} AS partition, day,
        CASE GROUPING(task_id) WHEN 1 THEN -1 ELSE task_id END AS task_id,
        CASE GROUPING(district_id) WHEN 1 THEN -1 ELSE district_id END AS district_id,
        count(DISTINCT resident_id) AS residents
    FROM participations WHERE actions > 0 GROUP BY resident_id %% {PARTITIONS},
        GROUPING SETS ((day), (day, task_id), (day, district_id), (day, task_id, district_id))
    UNION ALL
    SELECT resident_id %% {PARTITIONS}, DATE '{OF_ALL_TIME}', -1, -1, count(*) FROM period_scores
    WHERE period = 'all' AND actions > 0 GROUP BY 1)
SELECT CASE day WHEN DATE '{OF_ALL_TIME}' THEN 'ever' ELSE day::text END || ', task ' || task_id || ', district '
    || district_id || ', partition ' || partition, coalesce(due.residents, 0)::text, coalesce(told.residents, 0)::text
FROM due FULL JOIN participants told USING (partition, day, task_id, district_id)
WHERE coalesce(due.residents, 0) <> coalesce(told.residents, 0) ORDER BY day, task_id, district_id, partition
"""  # noqa: S608  the parts are ours


def differences(cursor: Cursor, *, parameters: dict[str, Any]) -> Iterator[Difference]:
    """Every difference in what the city adds up to; slow, and only asked for once the sums do not agree."""
    for book, statement in (("totals", _TOTALS), ("movements", _MOVEMENTS), ("participants", _PARTICIPANTS)):
        for what, expected, found in cursor.execute(statement, parameters):
            yield Difference(book, "city", what, expected, found)
