"""Who leaves and comes back: what was owed is owed again, and who was frozen is frozen."""

from datetime import date, datetime, timedelta

from backend import clock, present
from backend.account import freezing
from backend.database import db
from backend.ledger import adjusting, posting
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.residents.departures import Leaving
from backend.residents.models import Departure, Resident
from backend.rewards import personal as rewards

BY = "job:returning"
OWED = "owed-on-leaving"
"""The reason of the adjustment that brings a debt along."""


def leaving(wallet: Wallet, resident: Resident, *, frozen: bool, now: datetime) -> Leaving:
    """What is to be known of a resident who leaves: `frozen` before that, which freezes every wallet.

    Expects the wallet locked, and nothing reserved any more.
    """
    settings = present.settings()
    # What a fast clock told of tomorrow may have counted too.
    left_on = clock.local_day(now + timedelta(seconds=settings.future_skew_s))
    owed = max(0, -wallet.balance)
    points = ledger.points_of_year(wallet.resident_id, left_on.year)
    if resident.left_on is not None and resident.left_on.year == left_on.year:
        points += resident.left_points or 0
    return Leaving(
        left_on=left_on,
        year_points=points,
        taken=rewards.taken(wallet.resident_id, now=now),
        owed=owed,
        frozen=frozen,
        frozen_reason=freezing.why(wallet.resident_id)["reason"] if frozen else None,
        forget_on=_forgotten_on(left_on, lasting=frozen or owed > 0, now=now),
    )


def take_up(resident: Resident, left: Departure, *, now: datetime) -> None:
    """Go on, with the new wallet of who comes back, from where they left: frozen as before, owing what was owed."""
    wallet = ledger.lock_wallet(resident.resident_id)
    if left.owed:
        adjusting.carry_over(wallet, points=-left.owed, reason=OWED, by=BY, now=now)
    if left.frozen:
        why = {"reason": left.frozen_reason, "left_on": left.left_on}
        freezing.set_frozen(wallet, resident, frozen=True, by=BY, now=now, **why)
    db.session.flush()


def _forgotten_on(left_on: date, *, lasting: bool, now: datetime) -> date:
    """The day from which nothing that is kept matters any more.

    The yearly cap ends with the year; what partners keep for who binds anew is credited for UNBOUND_DAYS; a debt is
    paid, and a freeze held against, points of its time, which end after POINTS_VALID_MONTHS.
    """
    settings = present.settings()
    ends = [date(left_on.year + 1, 1, 1), left_on + timedelta(days=settings.unbound_days + 1)]
    if lasting:
        ends.append(posting.expiry_of(now, months=settings.points_valid_months))
    return max(ends)
