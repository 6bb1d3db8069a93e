"""The statement that folds one batch of the outbox into everything at once."""

from collections.abc import Collection

from backend.leaderboard import folding as scores
from backend.totals import folding as totals

# What is taken is found by one walk along the index, never by a join: the table is often analysed while it is empty,
# and a planner that believes that would look through what waits once for each row that waits.
# The limits stand in the text: it must know how few rows follow, or it reads whole tables for them.
_FOLD = """
WITH taken AS (
    DELETE FROM outbox WHERE partition = %(partition)s AND id >= %(first)s AND id <= (SELECT max(id) FROM (
        SELECT id FROM outbox WHERE partition = %(partition)s AND id >= %(first)s ORDER BY id LIMIT {limit}) AS next)
    RETURNING id, resident_id, kind, day, task_id, tier, coalesce(district_id, 0) AS district_id, co2e_mg, points,
        actions, posted_at),
deed AS (SELECT * FROM taken WHERE kind = 'action' LIMIT {most}),
{parts}
SELECT 0 AS place, count(*)::text AS words FROM taken
UNION ALL SELECT -1, string_agg(DISTINCT resident_id::text, ' ') FROM taken WHERE kind = 'moved'
UNION ALL SELECT -2, max(id)::text FROM taken
"""
_PARTS = (scores.GAIN, scores.SCORES, scores.NEWCOMERS, totals.TOTALS, totals.PARTICIPANTS)
_WORDS = "UNION ALL SELECT place, words FROM words"


def most_of(limit: int) -> int:
    """How many rows a batch may hold at most.

    One sequence numbers the rows, but only a resident's own are held to be unique: were some numbers given twice (a
    restored database whose sequence lags), all rows of the last one are taken together.
    """
    return 2 * limit


def statement(*, limit: int, scopes: Collection[str]) -> str:
    """The statement for up to `limit` rows of a partition, from the number `first` on.

    `scopes`: those that live boards have. It answers (place, words): 0, how many rows; -1, the ids of residents who
    moved; -2, the last row's number; then for each live board by its place from 1 what Redis is to be told.
    """
    parts = (*_PARTS, scores.words(scopes)) if scopes else _PARTS
    sql = _FOLD.format(limit=limit, most=most_of(limit), parts=",".join(parts))
    return sql + _WORDS if scopes else sql
