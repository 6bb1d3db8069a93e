"""How far and how long a single ride goes, oddities included."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from backend.simulation.assumptions import BUS_SPEED_KMH, METRO_SPEED_KMH
from backend.simulation.calibration import (
    BIKE_LENGTH_M,
    BIKE_LENGTH_SPEED_CORRELATION,
    BIKE_SHORTEST_S,
    BIKE_SPEED_KMH,
    METRO_MINUTES,
    TOO_FAST_SHARE,
    TOO_LONG_SHARE,
    TOO_SHORT_SHARE,
)
from backend.simulation.draws import QuantileTable

_KMH: Final = 1 / 3.6
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Ride:
    """A ride of `metres` over `seconds`; `odd` when its duration or speed cannot have been."""

    metres: Decimal
    seconds: int
    odd: bool = False


@dataclass(frozen=True, slots=True)
class _Limits:
    """The plausibility limits of the default catalogue that an odd ride must break."""

    speed_kmh: float
    seconds: int


_BIKE = _Limits(speed_kmh=25, seconds=6 * _HOUR_S)
_METRO = _Limits(speed_kmh=80, seconds=4 * _HOUR_S)
_BUS = _Limits(speed_kmh=70, seconds=4 * _HOUR_S)


def bike_ride(rng: Random) -> Ride:
    """A ride on a shared bike, to a tenth of a metre; lengths include those too short or too long to count.

    The share of rides whose speed takes the rank of their length gives the measured rank correlation.
    """
    rank = rng.random()
    decimetres = int(BIKE_LENGTH_M.at(rank) * 10)
    seconds = _BIKE.seconds + 1
    while seconds > _BIKE.seconds:
        speed_rank = rank if rng.random() < BIKE_LENGTH_SPEED_CORRELATION else rng.random()
        seconds = max(BIKE_SHORTEST_S, _seconds(decimetres / 10, BIKE_SPEED_KMH.at(speed_rank)))
    return _perhaps_odd(rng, Ride(Decimal(decimetres).scaleb(-1), seconds), limits=_BIKE)


def metro_ride(rng: Random) -> Ride:
    """A ride on the metro from gate to gate, in whole metres."""
    return _perhaps_odd(rng, _timed_ride(rng, METRO_SPEED_KMH), limits=_METRO)


def bus_ride(rng: Random) -> Ride:
    """A ride on a bus, in whole metres."""
    return _perhaps_odd(rng, _timed_ride(rng, BUS_SPEED_KMH), limits=_BUS)


def _timed_ride(rng: Random, speeds: QuantileTable) -> Ride:
    seconds = int(METRO_MINUTES.at(rng.random()) * 60)
    metres = int(seconds * speeds.at(rng.random()) * _KMH)
    if rng.random() < TOO_SHORT_SHARE:
        metres, seconds = 50 + int(rng.random() * 240), 60 + int(rng.random() * 240)
    return Ride(Decimal(metres), seconds)


def _perhaps_odd(rng: Random, ride: Ride, *, limits: _Limits) -> Ride:
    luck = rng.random()
    if luck < TOO_FAST_SHARE:
        seconds = max(1, int(float(ride.metres) / (limits.speed_kmh * (1.3 + rng.random()) * _KMH)))
        return Ride(ride.metres, seconds, odd=True)
    if luck < TOO_FAST_SHARE + TOO_LONG_SHARE:
        return Ride(ride.metres, int(limits.seconds * (1.05 + rng.random())), odd=True)
    return ride


def _seconds(metres: float, speed_kmh: float) -> int:
    return int(metres / (speed_kmh * _KMH)) + 1
