"""The simulated city as a whole."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from backend.simulation.days import days_until
from backend.simulation.declarations import declarations_of
from backend.simulation.life import Life
from backend.simulation.people import person
from backend.simulation.records import SimulatedDeclaration, SimulatedEvent, SimulatedResident
from backend.simulation.redemptions import redemptions_of

DEFAULT_SEED = 2026
DEFAULT_RESIDENTS = 2_000
DEFAULT_DAYS = 60


class City:
    """A city of so many residents over the local days before `until`, which is not among them.

    The same five values give the same city on every machine and Python version, and a resident's life does
    not depend on how many others there are. Every call tells the same again from the start. Events move with
    `until`: whoever continues an interrupted start keeps the `until` it began with. Raises ValueError if
    there is nobody or no day.
    """

    def __init__(self, *, seed: int, residents: int, days: int, until: date, time_zone: ZoneInfo) -> None:
        if residents < 1 or days < 1:
            raise ValueError("A simulated city needs at least one resident and one day.")
        self._seed = seed
        self._people = [person(seed, number) for number in range(1, residents + 1)]
        self._days = days_until(until, count=days, time_zone=time_zone)

    def residents(self) -> list[SimulatedResident]:
        """Everybody, by number from 1."""
        return [someone.resident for someone in self._people]

    def events(self) -> Iterator[SimulatedEvent]:
        """All partner events in order of `started_at`; they are made day by day as they are read."""
        lives = [Life(someone, seed=self._seed, days=len(self._days)) for someone in self._people]
        for day in self._days:
            told = [event for life in lives for event in life.on(day)]
            told.sort(key=lambda event: (event.started_at, event.external_id))
            yield from told

    def declarations(self) -> Iterator[SimulatedDeclaration]:
        """All declarations in order of `occurred_at`."""
        said = [
            declaration
            for someone in self._people
            for declaration in declarations_of(someone, seed=self._seed, days=self._days)
        ]
        yield from sorted(said, key=lambda one: (one.occurred_at, one.resident_number))

    def redemptions(self) -> Iterator[tuple[int, str]]:
        """All wishes for gifts, as resident number and reward code, in the order in which they are made."""
        wishes = [
            (place, someone.resident.number, reward)
            for someone in self._people
            for place, reward in redemptions_of(someone, seed=self._seed, days=len(self._days))
        ]
        yield from ((number, reward) for _, number, reward in sorted(wishes))
