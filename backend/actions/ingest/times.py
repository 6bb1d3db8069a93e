"""Times as files write them: ISO 8601, day/month forms with slashes, or a format of one's own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from backend.actions.events import YEARS
from backend.actions.ingest.errors import BrokenRowError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
DAY_S = 86_400
ZERO = timedelta()
LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  what a clock shows, before its zone is reckoned in
EARLIEST, LATEST = ((datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND for year in (YEARS.start, YEARS.stop))
NOON = timedelta(hours=12)
"""When something happened that is known by its day alone."""
FORMATS = tuple(
    f"{day}{time}"
    for day in ("%m/%d/%y", "%m/%d/%Y", "%Y/%m/%d")
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M:%S %p")
)
MOST_REMEMBERED = 65_536
LENGTH_OF_A_DAY = len("2016-08-01")
LENGTH_OF_AN_HOUR = len("2016-08-01 00")
WITHIN_THE_HOUR = {
    **{f":{minute:02}": minute * 60 * SECOND for minute in range(60)},
    **{f":{minute:02}:{second:02}": (minute * 60 + second) * SECOND for minute in range(60) for second in range(60)},
}
"""What follows the hour in ISO 8601 → microseconds since it struck."""
ONE_SHORT_OF_AN_HOUR = WITHIN_THE_HOUR[":59:59"]


class Clockwork:
    """Reads a file's times into microseconds since 1970 UTC; remembers what it has read, for times repeat."""

    def __init__(self, *, zone: ZoneInfo, shift_days: int, form: str | None) -> None:
        self._zone = zone
        self._shift = timedelta(days=shift_days)
        self._forms = [form] if form else list(FORMATS)
        self._iso = form is None
        self._struck: dict[str, int] = {}
        """Hours as they are written → when they struck; of hours met twice in which the clocks were not changed."""
        self._met: set[str] = set()
        self._remembered = lru_cache(maxsize=MOST_REMEMBERED)(self._read)

    def micros(self, texts: Sequence[str]) -> list[int]:
        """The instants that texts mean, shifted by whole local days; raises BrokenRowError."""
        struck, within = self._struck, WITHIN_THE_HOUR
        try:
            return [struck[text[:LENGTH_OF_AN_HOUR]] + within[text[LENGTH_OF_AN_HOUR:]] for text in texts]
        except KeyError:
            return [self._micros(text) for text in texts]

    def _micros(self, text: str) -> int:
        hour, within = text[:LENGTH_OF_AN_HOUR], WITHIN_THE_HOUR.get(text[LENGTH_OF_AN_HOUR:])
        struck = self._struck.get(hour)
        if struck is not None and within is not None:
            return struck + within
        micros = self._remembered(text)
        if self._iso and within is not None and len(self._met) < MOST_REMEMBERED:
            if hour in self._met:
                self._learn(hour)
            else:
                self._met.add(hour)
        return micros

    def _learn(self, hour: str) -> None:
        try:
            struck, last = (self._remembered(f"{hour}{rest}") for rest in (":00:00", ":59:59"))
        except BrokenRowError:
            # The calendar's first or last hour.
            return
        if last - struck == ONE_SHORT_OF_AN_HOUR:
            self._struck[hour] = struck

    def _read(self, text: str) -> int:
        try:
            micros = self._since_epoch(self._parsed(text.strip()))
            if not EARLIEST <= micros < LATEST:
                raise ValueError(text)  # noqa: TRY301  one sentence for all that is no time
        except (ValueError, OverflowError) as error:
            raise BrokenRowError(f"{text[:40]!r} is not a time that is understood: see --time-format") from error
        return micros

    def _since_epoch(self, shown: datetime) -> int:
        if self._shift:
            shown += self._shift
        if shown.year not in YEARS:
            raise ValueError(shown)
        # Reckoned in whole numbers: instants that bear a zone take three times as long.
        since = shown - EPOCH if shown.tzinfo else shown - LOCAL_EPOCH - (self._zone.utcoffset(shown) or ZERO)
        return (since.days * DAY_S + since.seconds) * SECOND + since.microseconds

    def _parsed(self, text: str) -> datetime:
        if self._iso:
            try:
                instant = datetime.fromisoformat(text)
            except ValueError:
                return self._by_form(text)
            return instant + NOON if len(text) <= LENGTH_OF_A_DAY else instant
        return self._by_form(text)

    def _by_form(self, text: str) -> datetime:
        for form in self._forms:
            try:
                instant = datetime.strptime(text, form)  # noqa: DTZ007  its zone is set by the caller
            except ValueError:
                continue
            # The same form will fit the next row too.
            self._forms.remove(form)
            self._forms.insert(0, form)
            return instant if "%H" in form or "%I" in form or "%s" in form else instant + NOON
        raise ValueError(text)


def instant_of(micros: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + micros * MICROSECOND
