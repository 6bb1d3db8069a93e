"""Periods of the city's calendar, and how they are named."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.database import db
from backend.errors import ValidationFailedError
from backend.leaderboard.periods import EVER, KINDS, STARTS, Period, containing, parse

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2026, 12, 31), date(2026, 12, 28)),
        (date(2027, 1, 1), date(2026, 12, 28)),
        (date(2027, 1, 3), date(2026, 12, 28)),
        (date(2027, 1, 4), date(2027, 1, 4)),
        (date(2024, 12, 30), date(2024, 12, 30)),
    ],
)
def test_an_iso_week_goes_on_across_the_years_end(day, monday):
    assert containing(day, kind="week") == Period("week", monday)


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        ("day", date(2024, 2, 29)),
        ("week", date(2024, 3, 3)),
        ("month", date(2024, 2, 29)),
        ("year", date(2024, 12, 31)),
        ("all", None),
    ],
)
def test_a_period_ends_on_its_last_day(kind, last):
    assert containing(date(2024, 2, 29), kind=kind).ends_on == last


@given(day=st.dates(date(2020, 1, 1), date(2100, 12, 31)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_sql_and_python_agree_on_the_periods_of_a_day(app, day):
    rows = db.session.execute(
        text(f"SELECT * FROM {STARTS.format(day='CAST(:day AS date)')} AS p (kind, starts_on)"), {"day": day}
    )
    assert {tuple(row) for row in rows} == {(kind, containing(day, kind=kind).starts_on) for kind in KINDS}


@pytest.mark.parametrize(
    ("kind", "at", "starts_on"),
    [
        ("day", "2026-11-24", date(2026, 11, 24)),
        ("week", "2026-W47", date(2026, 11, 16)),
        ("week", "2020-W53", date(2020, 12, 28)),
        ("month", "2026-02", date(2026, 2, 1)),
        ("year", "2025", date(2025, 1, 1)),
        ("all", "2026", EVER),
        ("week", None, date(2026, 11, 23)),
    ],
)
def test_a_period_is_named_as_people_name_it(app, kind, at, starts_on):
    assert parse(at, kind=kind, today=TODAY) == Period(kind, starts_on)


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        ("day", "2026-11-25"),
        ("day", "2026-02-30"),
        ("day", "20261124"),
        ("week", "2026-W54"),
        ("week", "2026-W48x"),
        ("week", "2026-11"),
        ("month", "2026-13"),
        ("month", "2026-12"),
        ("year", "2019"),
        ("year", "2027"),
        ("year", "\u0662\u0660\u0662\u0666"),
        ("day", "0001-01-01"),
    ],
)
def test_what_is_no_period_or_has_not_begun_is_refused_with_the_cure(app, kind, at):
    with pytest.raises(ValidationFailedError):
        parse(at, kind=kind, today=TODAY)
