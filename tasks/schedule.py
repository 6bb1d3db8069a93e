"""When each job runs; times of day are the city's."""

from typing import Any

from celery.schedules import crontab, schedule

PROJECT_EVERY_S = 0.2
"""The lag of boards and totals is at most this and the time that a batch takes."""

SCHEDULE: dict[str, dict[str, Any]] = {
    # Expires soon: what a busy worker has not begun, the next message asks for again.
    "project": {"task": "project", "schedule": schedule(PROJECT_EVERY_S), "options": {"expires": 1}},
    "settle": {"task": "settle", "schedule": crontab(minute="20")},
    "expire_redemptions": {"task": "expire_redemptions", "schedule": crontab(minute="*/10")},
    "expire_points": {"task": "expire_points", "schedule": crontab(hour="0", minute="30")},
    "clean_up": {"task": "clean_up", "schedule": crontab(minute="40")},
    "verify": {"task": "verify", "schedule": crontab(hour="3", minute="0")},
}
