"""Scores: the order of a board is exactly the order of values, then of instants, in a double."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backend.database import db
from backend.leaderboard.periods import KINDS, containing
from backend.leaderboard.scores import EASTERNMOST, METRICS, MOST, SCORE, TICK_S, value_of
from tests.leaderboard.oracle import encode
from tests.projections import expected_now, project_all, projected

DAY = date(2026, 12, 30)
CITY_NOON = datetime(2026, 12, 30, 4, tzinfo=UTC)

values = st.integers(0, 2**50)
instants = st.datetimes(datetime(2026, 12, 30), datetime(2027, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001  made aware


@given(one=st.tuples(values, instants), other=st.tuples(values, instants), metric=st.sampled_from(METRICS))
def test_the_greater_value_is_ahead_and_of_equal_values_the_earlier(one, other, metric):
    period = containing(DAY, kind="day")
    tick = 1 if metric == "points" else TICK_S["day"]
    (a, at), (b, bt) = one, other
    first, second = (encode(metric, value=v, reached_at=t, period=period) for v, t in (one, other))
    a, b = min(a, MOST[metric]), min(b, MOST[metric])
    if a != b:
        assert (first > second) == (a > b)
    elif a and abs(at - bt) >= timedelta(seconds=2 * tick):
        assert (first > second) == (at < bt)
    assert (value_of(metric, first), value_of(metric, second)) == (a, b)


@pytest.mark.parametrize(
    ("metric", "kind", "tick_s"),
    [
        *(("points", kind, 1) for kind in KINDS),
        ("co2e", "day", 60),
        ("co2e", "week", 120),
        ("co2e", "month", 400),
        ("co2e", "year", 4_000),
        ("co2e", "all", 5 * 86_400),
    ],
)
def test_of_equal_values_one_tick_earlier_is_ahead(metric, kind, tick_s):
    period = containing(DAY, kind=kind)
    began = datetime(period.starts_on.year, period.starts_on.month, period.starts_on.day, tzinfo=UTC) - EASTERNMOST
    tick = timedelta(seconds=tick_s)
    at = began + (CITY_NOON - began) // tick * tick

    def score(instant):
        return encode(metric, value=7, reached_at=instant, period=period)

    assert score(at - timedelta(microseconds=1)) == score(at) + 1
    assert score(at + tick - timedelta(microseconds=1)) == score(at) > score(at + tick)


@given(value=values, at=st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_score_is_a_whole_number_that_a_double_holds(value, at):
    for metric in METRICS:
        for kind in KINDS:
            score = encode(metric, value=value, reached_at=at, period=containing(DAY, kind=kind))
            assert int(float(score)) == score < 2**53
            assert (score == 0) == (value == 0)


@given(value=values, at=st.datetimes(datetime(2019, 12, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_postgresql_makes_the_same_score(app, value, at):
    row = "(SELECT :kind AS period, CAST(:first AS date) AS starts_on, CAST(:value AS bigint) AS points,"
    row += " :at AS points_reached_at, CAST(:value AS bigint) AS co2e_mg, :at AS co2e_reached_at) AS s"
    for kind in KINDS:
        period = containing(DAY, kind=kind)
        given_row = {"kind": kind, "first": period.starts_on, "value": value, "at": at}
        found = db.session.execute(text(f"SELECT {SCORE['points']}, {SCORE['co2e']} FROM {row}"), given_row).one()
        assert tuple(found) == tuple(encode(m, value=value, reached_at=at, period=period) for m in METRICS)


@pytest.mark.parametrize("kind", KINDS)
def test_late_trips_are_still_told_apart_three_days_after_the_end_of_a_period(kind):
    period = containing(DAY, kind=kind)
    ends_on = period.ends_on or date(2100, 1, 1)
    late = datetime(ends_on.year, ends_on.month, ends_on.day, tzinfo=UTC) + timedelta(days=3, hours=23)
    step = timedelta(seconds=2 * TICK_S[kind])
    earlier, later = (encode("co2e", value=7, reached_at=at, period=period) for at in (late - step, late))
    assert earlier > later


def test_nothing_is_nothing_whenever_it_was_reached():
    period = containing(DAY, kind="day")
    assert {encode(m, value=v, reached_at=CITY_NOON, period=period) for m in METRICS for v in (0, -5)} == {0}


def test_what_brings_no_points_or_no_grams_does_not_move_when_they_were_reached(
    app, deeds, resident, well_into_the_day
):
    # On the one day the last brings no grams, on the other no points.
    deeds.record(resident, days_ago=1)
    no_grams = deeds.record(resident, "e_office", days_ago=1, minute=90, tier="declaration").outcome
    *_, no_points = [deeds.record(resident, metres=8_000, minute=30 * place).outcome for place in range(3)]
    assert ((no_grams.points, no_grams.co2e_mg), no_points.points) == ((1, 0), 0)
    assert no_points.co2e_mg > 0
    project_all(resident, limit=1)
    assert projected() == expected_now()
