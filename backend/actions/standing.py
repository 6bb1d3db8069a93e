"""A resident's standing: all that the rules need to know of the past, and how a decision changes it."""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from backend.actions.claim import Claim

DAY = timedelta(days=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NOTHING = (0, 0)


class Trip(NamedTuple):
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
    left_on: date | None = None
    """The same person has left an account before, on this day: what it counted until then is not known here."""
    left_points: int | None = None
    """What that account had earned in the year of `left_on`."""
    year_points: dict[int, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """The resident's client references that have been taken."""
    codes: set[str] = field(default_factory=set)
    """Check-in codes that the resident has used."""
    taken: set[tuple[int | None, str]] = field(default_factory=set)
    """(partner, external id) of records that have been taken: one set, shared by all residents of a page."""
    _tallies: dict[tuple[int, date], tuple[int, int]] = field(default_factory=dict)
    """Task and day → how often it counts, and its points."""
    _groups: dict[tuple[str, date], int] = field(default_factory=dict)
    _points: dict[date, int] = field(default_factory=dict)
    _trips: dict[date, list[Trip]] = field(default_factory=dict)
    """By the day (UTC) of their beginning."""
    _trips_over: datetime = LONG_AGO
    """When the last of them was over."""

    def knows(self, claim: Claim) -> bool:
        """Whether the claim's own reference or its check-in code was recorded before."""
        if claim.external_id is not None:
            return (claim.partner_id, claim.external_id) in self.taken
        return claim.client_reference in self.known or claim.code in self.codes

    def learn(self, claim: Claim) -> None:
        """Remember the reference and the check-in code of a claim that counts."""
        if claim.external_id is not None:
            self.taken.add((claim.partner_id, claim.external_id))
        elif claim.client_reference:
            self.known.add(claim.client_reference)
        if claim.code is not None:
            self.codes.add(claim.code)

    def count(self, task_id: int, period: date, *, monthly: bool) -> int:
        """How often the task counts already on that day (or in the month that begins then); pending ones too."""
        if not monthly:
            return self._tallies.get((task_id, period), NOTHING)[0]
        days = range(1, monthrange(period.year, period.month)[1] + 1)
        return sum(self._tallies.get((task_id, period.replace(day=day)), NOTHING)[0] for day in days)

    def shared_count(self, group: str, day: date) -> int:
        """How many actions of a shared limit's group the day has."""
        return self._groups.get((group, day), 0)

    def task_points(self, task_id: int, day: date) -> int:
        """Points that the task earned on the day."""
        return self._tallies.get((task_id, day), NOTHING)[1]

    def points_on(self, day: date) -> int:
        """Points that all tasks earned on the day."""
        return self._points.get(day, 0)

    def points_in(self, year: int) -> int:
        """Points that actions of the year earned, those of an account that was left among them."""
        before = self.left_points or 0 if self.left_on is not None and self.left_on.year == year else 0
        return self.year_points.get(year, 0) + before

    def trips_meeting(self, starts_at: datetime, ends_at: datetime) -> list[Trip]:
        """Credited trips whose [start, end) meets this one's."""
        met: list[Trip] = []
        # Claims come in order of time: most begin after all that went before.
        if starts_at >= self._trips_over:
            return met
        day, last = starts_at.date() - DAY, ends_at.date()
        while day <= last:
            for trip in self._trips.get(day, ()):
                if trip.starts_at < ends_at and starts_at < trip.ends_at:
                    met.append(trip)  # noqa: PERF401  a comprehension a day would cost more than it saves
            day += DAY
        return met

    def add(self, *, task_id: int, day: date, points: int, group: str | None, trip: Trip | None) -> None:
        """Take in an action that counts (credited, or pending with 0 points)."""
        times, earned = self._tallies.get((task_id, day), NOTHING)
        self._tallies[task_id, day] = times + 1, earned + points
        self._points[day] = self._points.get(day, 0) + points
        self.year_points[day.year] = self.year_points.get(day.year, 0) + points
        if group:
            self._groups[group, day] = self._groups.get((group, day), 0) + 1
        if trip:
            self._trips.setdefault(trip.starts_at.date(), []).append(trip)
            self._trips_over = max(self._trips_over, trip.ends_at)
