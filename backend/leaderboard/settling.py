"""Settling the boards of a period that is over: written down for good, and out of Redis.

Where a resident lived when the period ended counts (docs/adr/0029): a board that has a prize cannot be chosen by moving
once it is known who leads it.
"""

from datetime import date, datetime, timedelta

from backend import redis
from backend.database import cursor as session_cursor
from backend.database import unhurried
from backend.leaderboard import epochs
from backend.leaderboard.boards import SCOPES
from backend.leaderboard.filling import COLUMN
from backend.leaderboard.periods import EVER, Period
from backend.leaderboard.scores import METRICS, SCORE
from backend.leaderboard.writing import live, take_out
from backend.residents.homes import MOVED_SINCE

STANDINGS = 100
"""Places that a settled board keeps."""
_AREA = "CASE WHEN m.resident_id IS NULL THEN r.{scope}_id ELSE m.{scope}_id END"
_MOVED = f"LEFT JOIN ({MOVED_SINCE}) AS m ON m.resident_id = s.resident_id"

# Each step looks for the next period after the one found: as many look-ups as there are periods, not rows.
_UNSETTLED = f"""
WITH RECURSIVE known AS (
    (SELECT starts_on, period FROM period_scores WHERE starts_on > DATE '{EVER}' ORDER BY starts_on, period LIMIT 1)
    UNION ALL
    SELECT n.starts_on, n.period FROM known k CROSS JOIN LATERAL (
        SELECT p.starts_on, p.period FROM period_scores p WHERE (p.starts_on, p.period) > (k.starts_on, k.period)
        ORDER BY p.starts_on, p.period LIMIT 1) AS n)
SELECT k.period, k.starts_on FROM known k WHERE NOT EXISTS (
    SELECT FROM settled_boards b
    WHERE b.metric = 'points' AND b.period = k.period AND b.starts_on = k.starts_on AND b.scope = 'city')
ORDER BY k.starts_on, k.period
"""  # noqa: S608  a constant of ours
_BOARD = """
SELECT '{metric}', %(kind)s, %(starts_on)s::date, {name}, count(*), coalesce(
    jsonb_agg(jsonb_build_object('rank', place, 'resident_id', resident_id, 'score', score) ORDER BY place)
        FILTER (WHERE place <= {standings}), '[]'), %(now)s::timestamptz
FROM (
    SELECT s.resident_id, s.{column} AS score, {area} AS area_id, row_number() OVER (
        PARTITION BY {area} ORDER BY {score} DESC, s.resident_id::text COLLATE "C" DESC) AS place
    FROM period_scores s JOIN residents r ON r.resident_id = s.resident_id {moved}
    WHERE s.period = %(kind)s AND s.starts_on = %(starts_on)s AND s.{column} > 0 AND {area} IS NOT NULL) AS placed
{group}
"""
# One statement for all boards: it sees one moment. One each would let a late trip, or a move, come in between, and a
# period would stay settled with and without it.
_SETTLE = """
INSERT INTO settled_boards (metric, period, starts_on, scope, size, standings, settled_at)
{boards}
ON CONFLICT DO NOTHING
"""


def due(*, today: date, grace_days: int) -> list[Period]:
    """The periods with scores that ended more than `grace_days` ago and are not settled yet, earliest first."""
    periods = [Period(*row) for row in session_cursor().execute(_UNSETTLED)]
    until = today - timedelta(days=grace_days)
    return [period for period in periods if period.ends_on is not None and period.ends_on < until]


def settle(period: Period, *, now: datetime) -> None:
    """Write down the boards of a period (city, districts, communities) and take them out of Redis.

    A resident is on those of the district and the community where they lived when the period ended. Inside a
    transaction. Settling again changes nothing: what was settled stays, whatever late trips come in.
    """
    unhurried()
    cursor = session_cursor()
    values = {"kind": period.kind, "starts_on": period.starts_on, "ends_on": period.ends_on, "now": now}
    cursor.execute(_statement(), values)
    _take_out(period, epoch=epochs.state(cursor).epoch)


def _statement() -> str:
    boards = (_board(metric, scope) for metric in METRICS for scope in SCOPES)
    return _SETTLE.format(boards="UNION ALL".join(boards))


def _board(metric: str, scope: str) -> str:
    in_city = scope == "city"
    return _BOARD.format(
        metric=metric,
        column=COLUMN[metric],
        score=SCORE[metric],
        area="0" if in_city else _AREA.format(scope=scope),
        moved="" if in_city else _MOVED,
        name="'city'" if in_city else f"'{scope}:' || area_id",
        group="" if in_city else "GROUP BY area_id",
        standings=STANDINGS,
    )


def _take_out(period: Period, *, epoch: int) -> None:
    # Before the commit, as everything: a board that was taken out in vain is filled again by the next who reads it.
    try:
        take_out([board for board in live(epoch) if board.period == period], epoch=epoch)
    except redis.RedisError:
        return  # they leave by themselves soon
