"""The figures of the simulated city against the real files they were measured on; `-s` prints the table."""

import math
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import NormalDist, mean
from zoneinfo import ZoneInfo

import pytest

from backend.simulation import City, SimulatedEvent, calibration
from tests.simulation import city_measurements as measure

SHANGHAI = ZoneInfo("Asia/Shanghai")
UNTIL = date(2026, 8, 1)
TWENTY_DAYS_BEFORE = datetime.fromisoformat("2026-07-12T00:00+08:00")
FILES = (measure.MOBIKE, measure.FITBIT, measure.SHENZHEN, measure.VALLEYBIKE)

pytestmark = pytest.mark.skipif(
    not all((measure.shared_data() / name).is_file() for name in FILES),
    reason=f"no real data in {measure.shared_data()}: set TANHUI_SHARED_DATA to the folder that has them",
)


@pytest.fixture(scope="module")
def events() -> list[SimulatedEvent]:
    return list(City(seed=2026, residents=2_000, days=60, until=UNTIL, time_zone=SHANGHAI).events())


@pytest.fixture(scope="module")
def simulated_trips(events):
    return [_trip(event) for event in events if event.task == "bike_ride"]


@pytest.fixture(scope="module")
def real_trips():
    return measure.mobike_trips()


@pytest.fixture(scope="module")
def compare():
    """Notes a real and a simulated figure and asserts that they differ by the tolerance at most."""
    lines = [f"\n{'figure':<44}{'real':>11}{'simulated':>11}{'tolerance':>11}"]

    def note(name, real, simulated, *, within):
        lines.append(f"{name:<44}{real:>11.4g}{simulated:>11.4g}{within:>11.4g}")
        assert simulated == pytest.approx(real, abs=within), name

    yield note
    sys.stdout.write("\n".join(lines) + "\n")


def _trip(event: SimulatedEvent) -> measure.Trip:
    minutes = (event.ended_at - event.started_at).total_seconds() / 60
    return measure.Trip(event.subject, event.started_at.astimezone(SHANGHAI), minutes, float(event.quantity))


def _assert_table(table, values, *, relative):
    measured = measure.quantiles(values, table.shares)
    assert list(table.values) == pytest.approx(measured, rel=relative, abs=0.011)


def test_the_bike_tables_are_the_quantiles_of_the_mobike_trips(real_trips):
    _assert_table(calibration.BIKE_LENGTH_M, [trip.metres for trip in real_trips], relative=0.003)
    _assert_table(calibration.BIKE_SPEED_KMH, [t.kmh for t in real_trips if t.is_sane], relative=0.003)
    assert min(trip.minutes for trip in real_trips) * 60 == calibration.BIKE_SHORTEST_S


def test_the_shares_of_bike_oddities_are_those_of_mobike(real_trips):
    assert measure.share_of([t.metres < 300 for t in real_trips]) == pytest.approx(
        calibration.TOO_SHORT_SHARE, rel=0.01
    )
    assert measure.share_of([t.kmh > 25 for t in real_trips]) == pytest.approx(calibration.TOO_FAST_SHARE, rel=0.01)
    assert measure.share_of([t.minutes > 360 for t in real_trips]) == pytest.approx(
        calibration.TOO_LONG_SHARE, rel=0.01
    )
    assert measure.overlapping_share(real_trips) == pytest.approx(calibration.OVERLAPPING_SHARE, rel=0.02)


def test_the_rank_correlation_of_length_and_speed_is_that_of_mobike(real_trips):
    sane = [trip for trip in real_trips if trip.is_sane]
    measured = measure.rank_correlation([t.metres for t in sane], [t.kmh for t in sane])
    assert measured == pytest.approx(calibration.BIKE_LENGTH_SPEED_CORRELATION, abs=0.005)


def test_the_hours_and_frequencies_are_those_of_mobike(real_trips):
    for constant, weekend in ((calibration.WEEKDAY_HOURS, False), (calibration.WEEKEND_HOURS, True)):
        assert list(constant) == pytest.approx(measure.hourly_shares(real_trips, weekend=weekend), abs=0.0001)
    for choice, counts in (
        (calibration.BIKE_DAYS_OF_20, measure.riding_days(real_trips)),
        (calibration.BIKE_TRIPS_A_DAY, measure.trips_a_riding_day(real_trips)),
    ):
        weights = [after - before for before, after in zip((0.0, *choice.steps), choice.steps, strict=False)]
        expected = [counts[outcome] / counts.total() for outcome in choice.outcomes]
        assert weights == pytest.approx(expected, abs=0.0001)
        assert set(choice.outcomes) == set(counts)


def test_a_mobike_rider_rides_no_more_alike_than_strangers(real_trips):
    """So the generator draws every trip anew: between two trips of one rider there is no correlation."""
    own = defaultdict(list)
    for trip in real_trips:
        own[trip.rider].append(trip.metres)
    pairs = [pair for metres in own.values() for pair in pairwise(metres)]
    assert abs(measure.rank_correlation([a for a, _ in pairs], [b for _, b in pairs])) < 0.02


def test_the_step_tables_are_the_quantiles_of_the_fitbit_days():
    people = measure.fitbit_steps().values()
    walked = {id(own): mean(steps for steps in own if steps) for own in people}
    ratios = [steps / walked[id(own)] for own in people for steps in own if steps]
    idle = [measure.share_of([steps == 0 for steps in own]) for own in people]
    _assert_table(calibration.PERSON_MEAN_STEPS, walked.values(), relative=0.001)
    _assert_table(calibration.DAY_TO_MEAN_STEPS, ratios, relative=0.001)
    _assert_table(calibration.ZERO_DAY_SHARE, idle, relative=0.01)


def test_metro_minutes_follow_the_likeliest_log_normal_of_the_shenzhen_pairs():
    pairs = measure.metro_pairs()
    assert len(pairs) == 153
    fitted = measure.METRO_LN_MINUTES
    assert measure.likeliest_log_normal(pairs) == pytest.approx(fitted, abs=0.001)
    table = calibration.METRO_MINUTES
    for share, minutes in list(zip(table.shares, table.values, strict=True))[1:-1]:
        assert minutes == pytest.approx(math.exp(NormalDist(*fitted).inv_cdf(share)), abs=0.051)


def test_the_shenzhen_taps_are_one_morning_and_set_no_hours_and_no_share_of_buses():
    taps = measure.rows(measure.SHENZHEN)
    entries = [tap["deal_date"] for tap in taps if tap["deal_type"] == measure.METRO_ENTRY]
    assert measure.share_of(["T06" in entry.replace(" ", "T") for entry in entries]) > 0.9
    kinds = Counter(tap["deal_type"] for tap in taps)
    assert kinds[measure.METRO_ENTRY] > 20 * kinds[measure.METRO_EXIT]
    assert (
        len(
            {tap["deal_date"][:13] for tap in taps if tap["deal_type"] not in {measure.METRO_ENTRY, measure.METRO_EXIT}}
        )
        == 1
    )


# Shares of the real figure; the mean duration hangs on a tail of rides of hours.
TOLERANCE = defaultdict(lambda: 0.05, {"duration, mean min": 0.08, "length, mean of ln": 0.01})


def test_simulated_bike_trips_are_as_long_and_as_fast_as_real_ones(compare, real_trips, simulated_trips):
    simulated = measure.shape(simulated_trips)
    for name, real in measure.shape(real_trips).items():
        compare(f"bike {name}", real, simulated[name], within=abs(real) * TOLERANCE[name])


def test_simulated_riders_ride_as_often_as_real_ones(compare, real_trips, simulated_trips):
    late = [trip for trip in simulated_trips if trip.start >= TWENTY_DAYS_BEFORE]
    real, simulated = measure.riding_days(real_trips), measure.riding_days(late)
    compare("bike days of 20 a rider", measure.mean_of(real), measure.mean_of(simulated), within=0.2)
    real_a_day, simulated_a_day = map(measure.trips_a_riding_day, (real_trips, simulated_trips))
    compare("bike trips a riding day", measure.mean_of(real_a_day), measure.mean_of(simulated_a_day), within=0.02)
    for days in range(1, 7):
        compare(
            f"bike riders with {days} days of 20, share",
            real[days] / real.total(),
            simulated[days] / simulated.total(),
            within=0.04,
        )


def test_simulated_bike_trips_start_at_the_hours_of_real_ones(compare, real_trips, simulated_trips):
    for weekend, hours in ((False, (3, 8, 13, 18, 22)), (True, (3, 8, 13, 18, 22))):
        real = measure.hourly_shares(real_trips, weekend=weekend)
        simulated = measure.hourly_shares(simulated_trips, weekend=weekend)
        assert simulated == pytest.approx(real, abs=0.015)
        for hour in hours:
            day = "weekend" if weekend else "weekday"
            compare(f"bike trips at {hour:02} h of a {day}, share", real[hour], simulated[hour], within=0.015)


def test_simulated_oddities_are_as_rare_as_real_ones(compare, real_trips, simulated_trips):
    for name, within, odd in (
        ("under 300 m", 0.004, lambda trip: trip.metres < 300),
        ("over 25 km/h", 0.0006, lambda trip: trip.kmh > 25),
        ("over 6 h", 0.0006, lambda trip: trip.minutes > 360),
    ):
        shares = [measure.share_of([odd(trip) for trip in trips]) for trips in (real_trips, simulated_trips)]
        compare(f"bike trips {name}, share", *shares, within=within)


def test_simulated_steps_are_those_of_the_fitbit_days(compare, events):
    people = defaultdict(list)
    for event in events:
        if event.task == "walk_steps":
            people[event.subject].append(int(event.quantity))
    simulated = measure.walking(people)
    for name, real in measure.walking(measure.fitbit_steps()).items():
        # Twenty people are few: a tenth of each figure, and two in a hundred days of each share.
        compare(name, real, simulated[name], within=0.02 if "share" in name else real * 0.1)


def test_simulated_metro_rides_last_as_long_as_fitted(compare, events):
    rides = [event for event in events if event.task == "metro_ride" and event.quantity >= 500]
    minutes = sorted((ride.ended_at - ride.started_at) / timedelta(minutes=1) for ride in rides)
    fitted = NormalDist(*measure.METRO_LN_MINUTES)
    for name, share in (("tenth", 0.1), ("median", 0.5), ("nine tenths", 0.9)):
        real = math.exp(fitted.inv_cdf(share))
        compare(f"metro ride (fitted), {name} min", real, measure.quantile(minutes, share), within=real * 0.05)


def test_bike_trips_of_another_country_have_the_same_shape(compare, simulated_trips):
    """Valleybike sets nothing; its spread of lengths and its speeds show that ours are of the right kind."""
    other, ours = measure.shape(measure.valleybike_trips()), measure.shape(simulated_trips)
    compare("valleybike length, sd of ln", other["length, sd of ln"], ours["length, sd of ln"], within=0.12)
    compare("valleybike speed, median", other["speed, median km/h"], ours["speed, median km/h"], within=4.0)
