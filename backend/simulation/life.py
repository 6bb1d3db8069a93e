"""One person's days in the city, as the partners report them."""

from collections.abc import Iterator

from backend.simulation.days import Day
from backend.simulation.draws import seeded
from backend.simulation.habits import Deed, charges_of, drop_offs_of, steps_of
from backend.simulation.people import Person
from backend.simulation.records import SimulatedEvent
from backend.simulation.travels import Travels


class Life:
    """The days of one person, to be asked for in order; same seed, person and days, same life."""

    def __init__(self, person: Person, *, seed: int, days: int) -> None:
        self._person = person
        self._prefix = f"sim-{seed}-{person.resident.number}"
        self._first_day = int(person.joined * days)
        self._rng = seeded(seed, person.resident.number, "life")
        self._travels = Travels(person.keenness, self._rng)

    def on(self, day: Day) -> list[SimulatedEvent]:
        """What partners report of that day, in no order; each event starts on the day."""
        if day.index < self._first_day:
            return []
        told = []
        for place, deed in enumerate(self._deeds(day)):
            started_at = day.at(deed.start)
            ended_at = day.at(deed.start + deed.seconds)
            # The last feed is closed at midnight: of rides still under way then, no partner has reported.
            if ended_at <= day.closes_at:
                told.append(
                    SimulatedEvent(
                        external_id=f"{self._prefix}-{day.label}-{place}",
                        partner=deed.partner,
                        subject=self._person.resident.subjects[deed.partner],
                        task=deed.task,
                        started_at=started_at,
                        ended_at=ended_at,
                        quantity=deed.quantity,
                    )
                )
        return told

    def _deeds(self, day: Day) -> Iterator[Deed]:
        keen, rng = self._person.keenness, self._rng
        for means, start, ride in self._travels.on(day):
            yield Deed(means.partner, means.task, start, ride.seconds, ride.metres)
        if "steps" in keen:
            yield steps_of(day, rank=keen["steps"], rng=rng)
        if "recycling" in keen:
            yield from drop_offs_of(rank=keen["recycling"], rng=rng)
        if "charging" in keen:
            yield from charges_of(rank=keen["charging"], rng=rng)
