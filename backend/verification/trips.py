"""No resident is on two trips at once."""

# Once a task is no trip any more, its past actions are in nobody's way: from then on they may be overlapped.
# If any two overlap then so do some two that begin one after the other: [start, end), and every trip takes time.
_OVERLAPS = """
SELECT resident_id, 'trip ' || seq || ': begins', 'not before ' || until, happened_at::text FROM (
    SELECT a.resident_id, a.seq, a.happened_at, lag(a.ended_at) OVER (PARTITION BY a.resident_id ORDER BY a.happened_at)
        AS until
    FROM actions a
    WHERE {mine} AND a.status = 'credited' AND a.ended_at IS NOT NULL
        AND a.task_version_id = ANY(ARRAY(
            SELECT v.id FROM task_versions v WHERE v.trip AND NOT EXISTS (
                SELECT FROM task_versions n WHERE n.task_id = v.task_id AND n.version > v.version AND NOT n.trip)))
    ) AS trip
WHERE happened_at < until ORDER BY resident_id, seq
"""


def of(which: str) -> str:
    """The statement for the residents of OF_THE_CHUNK or of OF_THE_NAMED (see `sides`)."""
    return _OVERLAPS.format(mine=which)
