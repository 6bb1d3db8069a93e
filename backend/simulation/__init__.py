"""A simulated city for the first start: seeded, labelled as simulated, calibrated to real measurements.

Pure arithmetic on the standard library. The city is told as residents, partner events, declarations and
wishes for rewards; writing them down goes through the same services as a real city's. See docs/simulation.md.
"""

from backend.simulation.city import DEFAULT_DAYS, DEFAULT_RESIDENTS, DEFAULT_SEED, City
from backend.simulation.people import PARTNERS
from backend.simulation.records import SimulatedDeclaration, SimulatedEvent, SimulatedResident
from backend.simulation.redemptions import REWARD_PRICES

__all__ = [
    "DEFAULT_DAYS",
    "DEFAULT_RESIDENTS",
    "DEFAULT_SEED",
    "PARTNERS",
    "REWARD_PRICES",
    "City",
    "SimulatedDeclaration",
    "SimulatedEvent",
    "SimulatedResident",
]
