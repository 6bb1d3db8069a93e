"""When each job runs; times of day are the city's."""

from typing import Any

from celery.schedules import crontab, schedule

PROJECT_EVERY_S = 0.2
"""The lag of boards and totals is at most this and the time that a batch takes."""
_HOUR_S, _DAY_S = 3_600, 86_400

_JOBS: dict[str, tuple[schedule, int]] = {
    "project": (schedule(PROJECT_EVERY_S), 1),
    "settle": (crontab(minute="20"), _HOUR_S),
    "expire_redemptions": (crontab(minute="*/10"), 600),
    "expire_points": (crontab(hour="0", minute="30"), _DAY_S),
    "clean_up": (crontab(minute="40"), _HOUR_S),
    "verify": (crontab(hour="3", minute="0"), _DAY_S),
}
"""When each is asked for, and after how many seconds a message is worth nothing: the next asks for the same again. So
what waits for a busy worker, for its turn or for PostgreSQL never becomes more than a few."""

SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": name, "schedule": when, "options": {"expires": seconds}} for name, (when, seconds) in _JOBS.items()
}
