"""A resident's standing: all that the rules need to know of the past, and how a decision changes it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from backend.actions.claim import Claim

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trip:
    """A credited travel action."""

    seq: int
    task_id: int
    tier: str
    day: date
    starts_at: datetime
    ends_at: datetime
    points: int


@dataclass(slots=True)
class Standing:
    """The running state of one resident's books and what was done around the claimed days."""

    resident_id: int
    frozen: bool = False
    district_id: int | None = None
    version: int = 0
    action_seq: int = 0
    entry_seq: int = 0
    balance: int = 0
    co2e_mg: int = 0
    actions: int = 0
    year_points: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    known: set[str] = field(default_factory=set)
    """The resident's client references that have been taken."""
    taken: set[tuple[int | None, str]] = field(default_factory=set)
    """(partner, external id) of records that have been taken: one set, shared by all residents of a page."""
    _counts: dict[tuple[int, date], int] = field(default_factory=lambda: defaultdict(int))
    _months: dict[tuple[int, date], int] = field(default_factory=lambda: defaultdict(int))
    _shared: dict[tuple[str, date], int] = field(default_factory=lambda: defaultdict(int))
    _task_points: dict[tuple[int, date], int] = field(default_factory=lambda: defaultdict(int))
    _day_points: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    _trips: dict[date, list[Trip]] = field(default_factory=lambda: defaultdict(list))

    def knows(self, claim: Claim) -> bool:
        """Whether the claim's own reference was recorded before."""
        if claim.external_id is not None:
            return (claim.partner_id, claim.external_id) in self.taken
        return claim.client_reference in self.known

    def learn(self, claim: Claim) -> None:
        """Remember the reference of a claim that counts."""
        if claim.external_id is not None:
            self.taken.add((claim.partner_id, claim.external_id))
        elif claim.client_reference:
            self.known.add(claim.client_reference)

    def count(self, task_id: int, period: date, *, monthly: bool) -> int:
        """How often the task counts already on that day (or in the month that begins then); pending ones too."""
        return (self._months if monthly else self._counts).get((task_id, period), 0)

    def shared_count(self, group: str, day: date) -> int:
        """How many actions of a shared limit's group the day has."""
        return self._shared.get((group, day), 0)

    def task_points(self, task_id: int, day: date) -> int:
        """Points that the task earned on the day."""
        return self._task_points.get((task_id, day), 0)

    def points_on(self, day: date) -> int:
        """Points that all tasks earned on the day."""
        return self._day_points.get(day, 0)

    def points_in(self, year: int) -> int:
        """Points that actions of the year earned."""
        return self.year_points.get(year, 0)

    def trips_meeting(self, starts_at: datetime, ends_at: datetime) -> list[Trip]:
        """Credited trips whose [start, end) meets this one's."""
        first, last = starts_at.date() - DAY, ends_at.date() + DAY
        return [
            trip
            for day, trips in self._trips.items()
            if first <= day <= last
            for trip in trips
            if trip.starts_at < ends_at and starts_at < trip.ends_at
        ]

    def add(self, *, task_id: int, day: date, points: int, group: str | None, trip: Trip | None) -> None:
        """Take in an action that counts (credited, or pending with 0 points)."""
        self._move(task_id=task_id, day=day, points=points, group=group, sign=1)
        if trip:
            self._trips[day].append(trip)

    def remove(self, trip: Trip, *, group: str | None) -> None:
        """Take out a trip that was reversed."""
        self._move(task_id=trip.task_id, day=trip.day, points=trip.points, group=group, sign=-1)
        self._trips[trip.day] = [other for other in self._trips[trip.day] if other.seq != trip.seq]

    def _move(self, *, task_id: int, day: date, points: int, group: str | None, sign: int) -> None:
        self._counts[task_id, day] += sign
        self._months[task_id, day.replace(day=1)] += sign
        self._task_points[task_id, day] += sign * points
        self._day_points[day] += sign * points
        self.year_points[day.year] += sign * points
        if group:
            self._shared[group, day] += sign
