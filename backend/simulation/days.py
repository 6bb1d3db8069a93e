"""The days of the simulated city, in its own time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: `length_s` seconds from `starts_at` (UTC); what ends after `closes_at` is not told."""

    index: int
    label: str
    starts_at: datetime
    length_s: int
    weekend: bool
    closes_at: datetime

    def at(self, second: float) -> datetime:
        """The moment that many seconds after local midnight."""
        return self.starts_at + timedelta(seconds=int(second))


def midnight(day: date, time_zone: ZoneInfo) -> datetime:
    """The start of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=time_zone).astimezone(UTC)


def days_until(until: date, *, count: int, time_zone: ZoneInfo) -> list[Day]:
    """The `count` local days before `until`, which is not among them, first to last."""
    closes_at = midnight(until, time_zone)
    days = []
    for index in range(count):
        today = until - timedelta(days=count - index)
        starts_at = midnight(today, time_zone)
        days.append(
            Day(
                index=index,
                label=f"{today:%Y%m%d}",
                starts_at=starts_at,
                length_s=int((midnight(today + timedelta(days=1), time_zone) - starts_at).total_seconds()),
                weekend=today.weekday() >= _SATURDAY,
                closes_at=closes_at,
            )
        )
    return days
