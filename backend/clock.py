"""Time: instants are aware UTC datetimes; days and periods are the city's own."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend import present


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


def city_zone() -> ZoneInfo:
    """The city's time zone (setting CITY_TIME_ZONE)."""
    return present.settings().city_time_zone


def local_day(instant: datetime, *, zone: ZoneInfo | None = None) -> date:
    """The city's calendar day on which an instant falls."""
    return instant.astimezone(zone or city_zone()).date()


def day_bounds(day: date, *, zone: ZoneInfo | None = None) -> tuple[datetime, datetime]:
    """First instant of a city day and of the day after it, both UTC."""
    return _bounds(day, zone or city_zone())


@lru_cache(maxsize=4_096)
def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    return start.astimezone(UTC), datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def month_bounds(day: date) -> tuple[date, date]:
    """First day of the month of `day`, and first day of the month after it."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def end_of_month_after(day: date, *, months: int) -> date:
    """The last day of the month that lies `months` months after the month of `day`."""
    index = day.year * 12 + day.month - 1 + months + 1
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)


def rfc3339(instant: datetime) -> str:
    """An instant as the API writes it: UTC, `Z`, no more than microseconds."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
