"""A person's rides through the days: how many, when, and hardly ever two at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from backend.simulation import assumptions, calibration
from backend.simulation.days import Day
from backend.simulation.draws import QuantileTable, time_of_day_table
from backend.simulation.rides import Ride, bike_ride, bus_ride, metro_ride

_BIKE_DAYS = 20
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Means:
    """A means of travel: partner, task, its rides, and when they start on weekdays and on weekend days."""

    partner: str
    task: str
    ride: Callable[[Random], Ride]
    weekday: QuantileTable
    weekend: QuantileTable


def _means(partner: str, ride: Callable[[Random], Ride], *, hours: tuple[int, int]) -> Means:
    first, last = hours
    return Means(
        partner=partner,
        task=ride.__name__,
        ride=ride,
        weekday=time_of_day_table(calibration.WEEKDAY_HOURS, first=first, last=last),
        weekend=time_of_day_table(calibration.WEEKEND_HOURS, first=first, last=last),
    )


BIKES = _means("bikes", bike_ride, hours=(0, 23))
METRO = _means("metro", metro_ride, hours=assumptions.METRO_HOURS)
BUS = _means("bus", bus_ride, hours=assumptions.BUS_HOURS)
_TRANSIT_DAY_SHARE = ((METRO, assumptions.METRO_DAY_SHARE), (BUS, assumptions.BUS_DAY_SHARE))


@dataclass(slots=True)
class Travels:
    """The rides of one person, to be asked for day by day; `keenness` as in `Person`."""

    keenness: dict[str, float]
    rng: Random
    _busy: list[tuple[int, int]] = field(default_factory=list)
    _bike_days_left: int = 0
    _days_left: int = 0

    def on(self, day: Day) -> Iterator[tuple[Means, int, Ride]]:
        """The rides of that day, each with the second after local midnight in which it starts."""
        # A ride that went on over midnight stays in mind, below zero.
        self._busy = [(s - day.length_s, e - day.length_s) for s, e in self._busy if e > day.length_s]
        for means, count in self._plans(day):
            for place in range(count):
                ride = means.ride(self.rng)
                start = self._start(means, ride, part=(place, count), day=day)
                if start is not None:
                    yield means, start, ride

    def _plans(self, day: Day) -> Iterator[tuple[Means, int]]:
        luck = self.rng.random
        if "bikes" in self.keenness and self._bikes_today():
            yield BIKES, calibration.BIKE_TRIPS_A_DAY.at(luck())
        for means, day_share in _TRANSIT_DAY_SHARE:
            if means.partner not in self.keenness:
                continue
            chance = day_share.at(self.keenness[means.partner])
            if luck() < chance * (assumptions.WEEKEND_FACTOR if day.weekend else 1.0):
                yield means, assumptions.RIDES_A_DAY.at(luck())

    def _bikes_today(self) -> bool:
        """Picks exactly the person's number out of every 20 days: each day with the chance that remains."""
        if self._days_left == 0:
            self._bike_days_left = calibration.BIKE_DAYS_OF_20.at(self.keenness["bikes"])
            self._days_left = _BIKE_DAYS
        today = self.rng.random() * self._days_left < self._bike_days_left
        self._days_left -= 1
        self._bike_days_left -= today
        return today

    def _start(self, means: Means, ride: Ride, *, part: tuple[int, int], day: Day) -> int | None:
        """A second at which the person is free, or None; the ride falls in its part of the day.

        Parts of equal share keep the day's hours as they are, and make a morning and an evening of two rides.
        """
        place, count = part
        clock = means.weekend if day.weekend else means.weekday
        carelessly = bool(self._busy) and self.rng.random() < calibration.OVERLAPPING_SHARE
        for _ in range(_TRIES):
            start = int(clock.at((place + self.rng.random()) / count))
            if carelessly:
                start = sum(self._busy[-1]) // 2
            start = max(0, min(start, day.length_s - 1))
            if carelessly or self._is_free(start, start + ride.seconds):
                if not ride.odd:
                    self._busy.append((start, start + ride.seconds))
                return start
        return None

    def _is_free(self, start: int, end: int) -> bool:
        return all(end <= s or start >= e for s, e in self._busy)
