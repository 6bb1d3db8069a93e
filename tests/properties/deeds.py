"""What people claim and partners report, so many days or hours before now."""

from datetime import timedelta
from secrets import token_hex

from backend import clock
from backend.actions.claim import Claim
from backend.actions.events import Event

PARTNER_ID = 1
RIDE_M, RIDE_MINUTES = 2_500, 15


def claim(task, *, days, tier="declaration"):
    """Something done so many days ago that has no quantity."""
    at = clock.now() - timedelta(days=days, minutes=1)
    return Claim(
        task=task,
        tier=tier,
        quantity_milli=None,
        unit=None,
        happened_at=at,
        ended_at=None,
        day=clock.local_day(at),
    )


def trip(*, days, hours, metres, tier):
    """A ride that ended an hour and more ago."""
    began = clock.now() - timedelta(days=days, hours=hours + 2)
    return Claim(
        task="bike_ride",
        tier=tier,
        quantity_milli=metres * 1000,
        unit="m",
        happened_at=began,
        ended_at=began + timedelta(minutes=55),
        day=clock.local_day(began),
        partner_id=PARTNER_ID if tier == "partner" else None,
        external_id=token_hex() if tier == "partner" else None,
    )


def day(*, trips):
    """A day with so many rides."""
    rides = [trip(days=2, hours=4 * place, metres=3_000, tier="partner") for place in range(trips)]
    return [*rides, claim("own_bag", days=2)]


def ride(name, subject, *, hours):
    """A ride as a partner reports it."""
    began = clock.now() - timedelta(hours=hours)
    ended = began + timedelta(minutes=RIDE_MINUTES)
    return Event(name, subject, "bike_ride", began, ended, RIDE_M * 1000, "m")
