"""A claim: what somebody says was done, before the rules have judged it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

THOUSANDTH = Decimal("0.001")
LARGEST = Decimal(10**10)


@dataclass(slots=True)
class Claim:
    """One claimed action, the same for all four ways in.

    `happened_at` is its beginning if it has one, else when it occurred; `day` the city's day of that.
    """

    task: str
    tier: str
    quantity_milli: int | None
    """Activity data in thousandths of the unit; None: left out, counts as 1 where the task counts pieces."""
    unit: str | None
    happened_at: datetime
    ended_at: datetime | None
    day: date
    external_id: str | None = None
    client_reference: str | None = None
    evidence: dict[str, Any] | None = None
    code: str | None = None
    """Token of the check-in code that a resident scanned: one action for each resident and code."""
    partner_id: int | None = None
    max_age_days: int = 7
    subject: str | None = None
    in_place_of_declared: bool = False
    """Declared trips have been reversed for it, with which its task was unlocked."""
    place: int = field(default=0)
    """Position in its batch: results come back in this order."""


def milli(quantity: Decimal | float | str) -> int:
    """Activity data in thousandths of its unit, rounded down; raises ValueError for what is no sane number."""
    if isinstance(quantity, int) and abs(quantity) < LARGEST:
        return quantity * 1000
    try:
        exact = quantity if isinstance(quantity, Decimal) else Decimal(str(quantity))
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    if not exact.is_finite() or abs(exact) >= LARGEST:
        raise ValueError("not a number of a sensible size")
    return int(exact.quantize(THOUSANDTH, rounding=ROUND_DOWN).scaleb(3))
