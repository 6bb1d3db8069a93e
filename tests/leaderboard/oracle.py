"""What a board's score must be, written a second time, in Python: what SCORE's SQL is compared with."""

from datetime import UTC, datetime, timedelta

from backend.leaderboard.periods import Period
from backend.leaderboard.scores import EASTERNMOST, EPOCH, MOST, TICK_S, TIME_BITS

SECOND = timedelta(seconds=1)


def encode(metric: str, *, value: int, reached_at: datetime, period: Period) -> int:
    """The score of a value (points, or milligrams) that was reached at an instant; 0 for nothing, below 2^53."""
    if value <= 0:
        return 0
    latest: int = 2 ** TIME_BITS[metric] - 1
    if metric == "points":
        ticks = (reached_at - EPOCH) // SECOND
    else:
        began = datetime(period.starts_on.year, period.starts_on.month, period.starts_on.day, tzinfo=UTC) - EASTERNMOST
        ticks = (reached_at - began) // SECOND // TICK_S[period.kind]
    return (min(value, MOST[metric]) << TIME_BITS[metric]) | (latest - min(max(ticks, 0), latest))
