"""The same measurements for real files and for the simulated city; read by test_calibration.py."""

import csv
import gzip
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, correlation, mean, stdev
from typing import NamedTuple

MOBIKE = "mobike_shanghai_201608_01-20.csv.gz"
FITBIT = "fitbit_daily_steps_20.csv"
SHENZHEN = "shenzhen_tong_taps_10000.csv.gz"
VALLEYBIKE = "valleybike_trips_6months.csv.gz"
METRO_ENTRY, METRO_EXIT = "\u5730\u94c1\u5165\u7ad9", "\u5730\u94c1\u51fa\u7ad9"
MORNING, SAMPLE_END = datetime.fromisoformat("2018-09-01T04:00"), datetime.fromisoformat("2018-09-01T06:46")


class Trip(NamedTuple):
    rider: str
    start: datetime
    minutes: float
    metres: float

    @property
    def kmh(self) -> float:
        return self.metres / 1000 / (self.minutes / 60)

    @property
    def is_sane(self) -> bool:
        return self.kmh <= 25 and self.minutes <= 360


def shared_data() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("TANHUI_SHARED_DATA", beside))


def rows(name: str) -> list[dict[str, str]]:
    path = shared_data() / name
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as file:
        return list(csv.DictReader(file))


def mobike_trips() -> list[Trip]:
    return [
        Trip(
            row["userid"],
            datetime.fromisoformat(row["start_time"]),
            float(row["duration_min"]),
            float(row["track_m"]),
        )
        for row in rows(MOBIKE)
    ]


def valleybike_trips() -> list[Trip]:
    trips = [
        Trip(
            row["user_id"],
            datetime.fromisoformat(row["start_time_utc"]),
            float(row["duration_s"]) / 60,
            float(row["track_m"]),
        )
        for row in rows(VALLEYBIKE)
    ]
    return [trip for trip in trips if trip.minutes >= 1 and trip.metres >= 300 and trip.is_sane]


def fitbit_steps() -> dict[str, list[int]]:
    people = defaultdict(list)
    for row in rows(FITBIT):
        people[row["Id"]].append(int(row["StepTotal"]))
    return people


def quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def quantiles(values: Iterable[float], shares: Iterable[float]) -> list[float]:
    ordered = sorted(values)
    return [quantile(ordered, share) for share in shares]


def share_of(values: Sequence[object]) -> float:
    return sum(map(bool, values)) / len(values)


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> float:
    def ranks(values):
        order = sorted(range(len(values)), key=values.__getitem__)
        return sorted(range(len(values)), key=order.__getitem__)

    return correlation(ranks(left), ranks(right))


def hourly_shares(trips: Iterable[Trip], *, weekend: bool) -> list[float]:
    counts = Counter(trip.start.hour for trip in trips if (trip.start.weekday() >= 5) == weekend)
    return [counts[hour] / counts.total() for hour in range(24)]


def trips_a_riding_day(trips: Iterable[Trip]) -> Counter[int]:
    return Counter(Counter((trip.rider, trip.start.date()) for trip in trips).values())


def riding_days(trips: Iterable[Trip]) -> Counter[int]:
    days = defaultdict(set)
    for trip in trips:
        days[trip.rider].add(trip.start.date())
    return Counter(map(len, days.values()))


def mean_of(counts: Counter[int]) -> float:
    return sum(value * count for value, count in counts.items()) / counts.total()


def overlapping_share(trips: Iterable[Trip]) -> float:
    """The trips that begin before the rider's trip before them ends, of those not the first of their day."""
    by_rider = defaultdict(list)
    for trip in sorted(trips, key=lambda trip: trip.start):
        by_rider[trip.rider].append(trip)
    overlapping = later = 0
    for own in by_rider.values():
        for before, trip in pairwise(own):
            overlapping += trip.start < before.start + timedelta(minutes=before.minutes)
            later += trip.start.date() == before.start.date()
    return overlapping / later


def metro_pairs() -> list[tuple[float, float]]:
    """Minutes from entry to exit of a card, and from the entry to the end of the sample; 1 September only."""
    cards = defaultdict(list)
    for row in rows(SHENZHEN):
        cards[row["card_no"]].append((row["deal_date"], row["deal_type"], row["station"]))
    pairs = []
    for taps in cards.values():
        entry = None
        for tapped_at, kind, station in sorted(taps, key=lambda tap: tap[0]):
            moment = datetime.fromisoformat(tapped_at)
            if kind == METRO_ENTRY:
                entry = (moment, station)
            elif kind == METRO_EXIT and entry:
                began, where = entry
                if began >= MORNING and where != station:
                    pairs.append(((moment - began).total_seconds() / 60, (SAMPLE_END - began).total_seconds() / 60))
                entry = None
    return [pair for pair in pairs if pair[0] > 1]


METRO_LN_MINUTES = (2.75, 0.60)
"""Mean and deviation of the log-normal that calibration.METRO_MINUTES holds the quantiles of."""


def likeliest_log_normal(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm to 0.05, each pair truncated to a minute and its limit."""
    normal = NormalDist()

    def log_likelihood(centre: float, spread: float) -> float:
        total = 0.0
        for minutes, limit in pairs:
            z = (math.log(minutes) - centre) / spread
            seen = normal.cdf((math.log(limit) - centre) / spread) - normal.cdf(-centre / spread)
            total -= z * z / 2 + math.log(spread) + math.log(max(seen, 1e-12))
        return total

    grid = [(2.4 + 0.05 * i, 0.35 + 0.05 * k) for i in range(21) for k in range(15)]
    return max(grid, key=lambda point: log_likelihood(*point))


def shape(trips: Sequence[Trip]) -> dict[str, float]:
    """Length, duration and speed of trips, in figures that can be compared."""
    metres = sorted(trip.metres for trip in trips)
    minutes = sorted(trip.minutes for trip in trips)
    speeds = sorted(trip.kmh for trip in trips)
    counted = [math.log(trip.metres) for trip in trips if 300 <= trip.metres <= 50_000]
    return {
        "length, mean m": mean(metres),
        "length, tenth m": quantile(metres, 0.1),
        "length, median m": quantile(metres, 0.5),
        "length, nine tenths m": quantile(metres, 0.9),
        "length, mean of ln": mean(counted),
        "length, sd of ln": stdev(counted),
        "duration, mean min": mean(minutes),
        "duration, median min": quantile(minutes, 0.5),
        "duration, nine tenths min": quantile(minutes, 0.9),
        "speed, median km/h": quantile(speeds, 0.5),
        "speed, nine tenths km/h": quantile(speeds, 0.9),
    }


def walking(people: dict[str, list[int]]) -> dict[str, float]:
    """Daily steps of people, in figures that can be compared."""
    days = sorted(steps for own in people.values() for steps in own)
    return {
        "steps a day, mean": mean(days),
        "steps a day, sd": stdev(days),
        "steps a day, quarter": quantile(days, 0.25),
        "steps a day, median": quantile(days, 0.5),
        "steps a day, nine tenths": quantile(days, 0.9),
        "people's means, median": quantile(sorted(mean(own) for own in people.values()), 0.5),
        "people's means, sd": stdev([mean(own) for own in people.values()]),
        "days without a step, share": share_of([steps == 0 for steps in days]),
        "days of 1 to 999 steps, share": share_of([0 < steps < 1000 for steps in days]),
    }
