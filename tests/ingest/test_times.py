"""Times as files write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.actions.ingest.errors import BrokenRowError
from backend.actions.ingest.times import Clockwork, instant_of

EARLIEST, LATEST = datetime(1901, 1, 1), datetime(2998, 12, 31)  # noqa: DTZ001  a zone is drawn beside them


def instant(clockwork, text):
    (micros,) = clockwork.micros([text])
    return instant_of(micros)


def read(text, *, zone="Asia/Shanghai", shift_days=0, form=None):
    return instant(Clockwork(zone=ZoneInfo(zone), shift_days=shift_days, form=form), text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2016-08-01 00:23", datetime(2016, 7, 31, 16, 23, tzinfo=UTC)),
        ("2016-08-01T00:23:45.123456", datetime(2016, 7, 31, 16, 23, 45, 123456, tzinfo=UTC)),
        ("2016-08-01T00:23:00Z", datetime(2016, 8, 1, 0, 23, tzinfo=UTC)),
        ("2016-08-01T00:23:00+02:00", datetime(2016, 7, 31, 22, 23, tzinfo=UTC)),
        ("  2016-08-01 00:23 ", datetime(2016, 7, 31, 16, 23, tzinfo=UTC)),
        ("2016-08-01", datetime(2016, 8, 1, 4, 0, tzinfo=UTC)),
        ("4/12/16", datetime(2016, 4, 12, 4, 0, tzinfo=UTC)),
        ("4/12/2016", datetime(2016, 4, 12, 4, 0, tzinfo=UTC)),
        ("2016/4/12", datetime(2016, 4, 12, 4, 0, tzinfo=UTC)),
        ("2016/4/12 7:05", datetime(2016, 4, 11, 23, 5, tzinfo=UTC)),
        ("4/12/2016 1:05:09 PM", datetime(2016, 4, 12, 5, 5, 9, tzinfo=UTC)),
    ],
)
def test_usual_forms_are_understood(text, meant):
    assert read(text) == meant


def test_a_format_of_ones_own_comes_alone():
    assert read("12.04.2016", form="%d.%m.%Y") == datetime(2016, 4, 12, 4, 0, tzinfo=UTC)
    assert read("12.04.2016 08", form="%d.%m.%Y %H") == datetime(2016, 4, 12, 0, 0, tzinfo=UTC)
    with pytest.raises(BrokenRowError, match="--time-format"):
        read("2016-04-12", form="%d.%m.%Y")


def test_days_are_shifted_on_the_local_clock():
    # Berlin's clocks go forward between the two: local noon stays local noon.
    assert read("2026-03-28 12:00", zone="Europe/Berlin") == datetime(2026, 3, 28, 11, tzinfo=UTC)
    assert read("2026-03-28 12:00", zone="Europe/Berlin", shift_days=1) == datetime(2026, 3, 29, 10, tzinfo=UTC)


@given(
    shown=st.datetimes(EARLIEST, LATEST),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"]),
)
@example(datetime(2026, 10, 25, 2, 30, fold=1), "Europe/Berlin")  # noqa: DTZ001
def test_a_local_time_is_the_instant_that_its_zone_says(shown, zone):
    # What is shown twice in autumn does not say which it is: the first is taken.
    first = shown.replace(tzinfo=ZoneInfo(zone), fold=0)
    assert read(shown.isoformat(), zone=zone) == first.astimezone(UTC)


ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia", "UTC"]


@given(
    hour=st.datetimes(EARLIEST, LATEST).map(lambda shown: shown.replace(minute=0, second=0, microsecond=0)),
    within=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), min_size=2, max_size=4),
    zone=st.sampled_from(ZONES),
    shift_days=st.integers(-400, 400),
)
@example(datetime(2006, 10, 29), [(0, 30), (1, 30), (59, 59)], "America/St_Johns", 0)  # noqa: DTZ001
@example(datetime(2026, 4, 5, 1), [(0, 0), (30, 0), (59, 59)], "Australia/Lord_Howe", 0)  # noqa: DTZ001
@example(datetime(1972, 1, 6, 23), [(0, 0), (20, 0)], "Africa/Monrovia", 1)  # noqa: DTZ001
@example(datetime(1900, 12, 31, 23), [(0, 0), (54, 17), (59, 0)], "Asia/Shanghai", 0)  # noqa: DTZ001
def test_a_time_of_an_hour_that_was_read_before_is_what_it_is_by_itself(hour, within, zone, shift_days):
    used = Clockwork(zone=ZoneInfo(zone), shift_days=shift_days, form=None)
    texts = [f"{hour:%Y-%m-%d %H}:{minute:02}" for minute, _ in within]
    texts += [f"{hour:%Y-%m-%dT%H}:{minute:02}:{second:02}" for minute, second in within]
    expected = [read(text, zone=zone, shift_days=shift_days) for text in texts]
    assert [instant(used, text) for text in texts] == expected
    # And all at once, now that their hours are known.
    assert [instant_of(micros) for micros in used.micros(texts)] == expected


def test_the_last_hour_of_the_calendar_is_read_as_far_as_it_goes():
    clockwork = Clockwork(zone=ZoneInfo("America/St_Johns"), shift_days=0, form=None)
    last, before = clockwork.micros(["2999-12-31 20:29:59", "2999-12-31 20:29:58"])
    assert last == before + 1_000_000
    with pytest.raises(BrokenRowError, match="not a time"):
        clockwork.micros(["2999-12-31 20:30:00"])


@pytest.mark.parametrize("text", ["", "soon", "2016-13-01", "99999-01-01", "0001-01-01", "9999-12-31", "1e9", "\udce4"])
def test_what_is_no_time_is_a_broken_row(text):
    with pytest.raises(BrokenRowError, match="not a time"):
        read(text)


@pytest.mark.parametrize("text", ["1900-01-01T00:00+12:00", "2999-12-31T23:59-12:00"])
def test_a_year_beyond_the_calendar_is_one_in_utc_too(text):
    with pytest.raises(BrokenRowError, match="not a time"):
        read(text)
