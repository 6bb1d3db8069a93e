"""What residents record themselves: photos, declarations, and now and then a ride."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from random import Random

from backend.simulation import assumptions
from backend.simulation.days import Day
from backend.simulation.draws import seeded
from backend.simulation.habits import WAKING
from backend.simulation.life import Life
from backend.simulation.people import Person
from backend.simulation.records import SimulatedDeclaration
from backend.simulation.rides import Ride, bike_ride, bus_ride

_RIDES = {"bike_ride": ("bikes", bike_ride), "bus_ride": ("bus", bus_ride)}
_DECLARED_METRES_AT_MOST = 20_000
_AGAIN = timedelta(minutes=10)


def declarations_of(person: Person, *, seed: int, days: list[Day]) -> Iterator[SimulatedDeclaration]:
    """Everything one person records, in no order; empty for the most of them."""
    rng = seeded(seed, person.resident.number, "declarations")
    if rng.random() < assumptions.DECLARING_SHARE:
        chance = assumptions.DECLARATION_DAY_SHARE.at(rng.random())
        lived = days[int(person.joined * len(days)) :]
        yield from chain.from_iterable(_said_on(day, person, rng) for day in lived if rng.random() < chance)
    if "bikes" in person.keenness and rng.random() < assumptions.TOLD_TWICE_SHARE:
        yield from _a_ride_told_twice(person, seed=seed, days=days)


def _said_on(day: Day, person: Person, rng: Random) -> Iterator[SimulatedDeclaration]:
    task, evidence = assumptions.DECLARED.at(rng.random())
    said_at = day.at(WAKING.at(rng.random()))
    number = person.resident.number
    if task in _RIDES:
        partner, ride_of = _RIDES[task]
        ride = ride_of(rng)
        # Who is bound to the partner has these rides reported already.
        if partner not in person.keenness and ride.metres <= _DECLARED_METRES_AT_MOST:
            yield _declared_ride(number, task, start=said_at - timedelta(seconds=ride.seconds), ride=ride)
        return
    yield SimulatedDeclaration(number, task, evidence, said_at, started_at=None, quantity=None)
    if rng.random() < assumptions.SAID_TWICE_SHARE:
        yield SimulatedDeclaration(number, task, evidence, said_at + _AGAIN, started_at=None, quantity=None)


def _a_ride_told_twice(person: Person, *, seed: int, days: list[Day]) -> Iterator[SimulatedDeclaration]:
    life = Life(person, seed=seed, days=len(days))
    rides = (event for day in days for event in life.on(day) if event.task == "bike_ride")
    first = next(rides, None)
    if first and first.quantity <= _DECLARED_METRES_AT_MOST:
        ride = Ride(first.quantity, int((first.ended_at - first.started_at).total_seconds()))
        yield _declared_ride(person.resident.number, "bike_ride", start=first.started_at, ride=ride)


def _declared_ride(number: int, task: str, *, start: datetime, ride: Ride) -> SimulatedDeclaration:
    # People give round figures: whole hundreds of metres, upwards.
    metres = -(-int(ride.metres) // 100) * 100
    end = start + timedelta(seconds=ride.seconds)
    return SimulatedDeclaration(number, task, "declaration", end, started_at=start, quantity=Decimal(metres))
