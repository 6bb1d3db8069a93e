"""What a person does besides travelling: steps counted, things dropped off, a car charged."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import NamedTuple

from backend.simulation import assumptions, calibration
from backend.simulation.days import Day
from backend.simulation.draws import even_table

WAKING = even_table(*(3600.0 * hour for hour in assumptions.WAKING_HOURS))


class Deed(NamedTuple):
    """Something a partner reports: from a second after local midnight, for a number of seconds."""

    partner: str
    task: str
    start: int
    seconds: int
    quantity: Decimal


def steps_of(day: Day, *, rank: float, rng: Random) -> Deed:
    """The steps of a whole day, zero on some days of those who walk least."""
    steps = 0
    if rng.random() >= calibration.ZERO_DAY_SHARE.at(1.0 - rank):
        steps = round(calibration.PERSON_MEAN_STEPS.at(rank) * calibration.DAY_TO_MEAN_STEPS.at(rng.random()))
    return Deed("steps", "walk_steps", 0, day.length_s, Decimal(steps))


def drop_offs_of(*, rank: float, rng: Random) -> Iterator[Deed]:
    """Cartons and clothes brought to a recycling station on one day; rarely, too few clothes to count."""
    if rng.random() < assumptions.CARTON_DAY_SHARE.at(rank):
        yield _drop_off("carton_return", assumptions.CARTONS.at(rng.random()), rng)
    if rng.random() < assumptions.CLOTHES_DAY_SHARE.at(rank):
        grams = round(assumptions.CLOTHES_G.at(rng.random()))
        if rng.random() < calibration.TOO_SHORT_SHARE:
            grams = 100 + round(rng.random() * 350)
        yield _drop_off("clothes_recycling", grams, rng)


def charges_of(*, rank: float, rng: Random) -> Iterator[Deed]:
    """A charge of the person's electric car on one day, in Wh."""
    if rng.random() < assumptions.CHARGE_DAY_SHARE.at(rank):
        energy_wh = round(assumptions.CHARGE_WH.at(rng.random()))
        seconds = energy_wh * 3600 // assumptions.CHARGER_W.at(rng.random())
        start = int(WAKING.at(rng.random()))
        yield Deed("charging", "ev_charge", start, seconds, Decimal(energy_wh))


def _drop_off(task: str, quantity: int, rng: Random) -> Deed:
    start = int(WAKING.at(rng.random()))
    return Deed("recycling", task, start, assumptions.DROP_OFF_SECONDS, Decimal(quantity))
