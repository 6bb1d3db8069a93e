"""The screen: one statement a chunk of residents that finds whose books do not agree, without saying where.

Every table is read once, in whatever order it lies, and summed to one row a resident; those rows are summed again.
"""

from backend.verification import book_sides, projection_sides
from backend.verification.fingerprints import PRIME, day_weight, district_weight, group, presence, total
from backend.verification.weights import DAYS, OWN_PARTITION, RULES

_SIDES = " UNION ALL ".join((*book_sides.SIDES, *projection_sides.SIDES))

# Who lived in one district all along took part in it on each of their days: a product of two sums. Of the few who
# moved the rows are read once more: each day and district once, and not twice what they did in two on one day.
_SOMEWHERE = f"""
CASE WHEN low = high THEN days %% {PRIME} * {district_weight("low")} %% {PRIME} WHEN low IS NULL THEN 0 ELSE
    (SELECT coalesce({total(f"{day_weight('day')} * {district_weight('district_id')}")}, 0) FROM (
        SELECT DISTINCT p.day, p.district_id FROM participations p
        WHERE p.resident_id = agreed.resident_id AND p.actions > 0) AS once)
    - (SELECT coalesce({total(f"{presence(group('day', 'task_id', '-1'))} * times")}, 0) FROM (
        SELECT p.day, p.task_id, count(*) - 1 AS times FROM participations p
        WHERE p.resident_id = agreed.resident_id AND p.actions > 0 GROUP BY p.day, p.task_id) AS again) END
"""  # noqa: S608  the parts are ours
_IN_CITY = total(f"(city + somewhere) %% {PRIME} * {OWN_PARTITION}")

SCREEN = f"""
WITH {DAYS}, {RULES},
agreed AS (
    SELECT resident_id, bit_xor(seal) AS seal, {total("scale")} AS scale, {total("city")} AS city,
        {total("days")} AS days, min(low) AS low, max(high) AS high, sum(actions) AS actions, sum(entries) AS entries,
        sum(wallets) AS wallets
    FROM ({_SIDES}) AS side GROUP BY resident_id),
located AS (SELECT agreed.*, {_SOMEWHERE} AS somewhere FROM agreed OFFSET 0)
SELECT coalesce(sum(wallets), 0)::bigint, coalesce(sum(actions), 0)::bigint, coalesce(sum(entries), 0)::bigint,
    coalesce({_IN_CITY}, 0),
    array_agg(resident_id ORDER BY resident_id) FILTER (WHERE seal <> 0 OR scale %% {PRIME} <> 0)
FROM located
"""  # noqa: S608  the parts are ours
"""Answers one row: residents, actions, entries, what the city's tables must say, and whose books do not agree."""
