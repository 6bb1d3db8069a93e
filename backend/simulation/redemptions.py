"""Which gifts residents wish for: mostly what their points allow, sometimes more."""

from collections.abc import Iterator

from backend.simulation import assumptions
from backend.simulation.draws import choice_of, seeded
from backend.simulation.people import Person

# Points of the default rewards; the weights below are an assumption about what people like.
REWARD_PRICES = {
    "transit_day_pass": 300,
    "bike_ride_card": 150,
    "cloth_bag": 200,
    "thermos_cup": 800,
    "seed_kit": 120,
    "cinema_ticket": 600,
    "plant_a_tree": 100,
    "charging_coupon": 250,
}
_LIKED = choice_of(
    {
        "transit_day_pass": 22.0,
        "bike_ride_card": 18.0,
        "cloth_bag": 12.0,
        "thermos_cup": 8.0,
        "seed_kit": 12.0,
        "cinema_ticket": 12.0,
        "plant_a_tree": 14.0,
        "charging_coupon": 2.0,
    }
)
_DEAREST = max(REWARD_PRICES, key=REWARD_PRICES.__getitem__)


def redemptions_of(person: Person, *, seed: int, days: int) -> Iterator[tuple[float, str]]:
    """The gifts one person asks for, each with its place from 0 to 1 in the order of the whole city."""
    draw = seeded(seed, person.resident.number, "redemptions").random
    if draw() >= assumptions.REDEEMING_SHARE:
        return
    points = sum(assumptions.POINTS_A_DAY[partner] for partner in person.keenness)
    purse = points * days * (1.0 - person.joined)
    for _ in range(assumptions.REDEMPTIONS_AT_MOST.at(draw())):
        reward = _LIKED.at(draw())
        if REWARD_PRICES[reward] <= purse:
            purse -= REWARD_PRICES[reward]
            yield draw(), reward
    if draw() < assumptions.OVERREACHING_SHARE:
        for _ in range(1 + int(points * days) // REWARD_PRICES[_DEAREST]):
            yield draw(), _DEAREST
