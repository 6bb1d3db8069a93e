"""What verify has to say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """One number that does not follow from the others, as text for people and machines alike."""

    book: str
    """Which book it stands in: `entries`, `wallets`, `lots`, `actions`, `limits`, `trips`, `events`, `redemptions`,
    `stock`, `vouchers`, `scores`, `participations`, `totals`, `movements`, `participants` or `boards`; or `screen`: the
    sums of all books differ, and none of them says where."""
    subject: str
    """Whose it is: a resident's id, or `city`, or the code of a reward, or a member of a board that is none."""
    what: str
    expected: str
    found: str


@dataclass(slots=True)
class Checked:
    """How much a run has looked at."""

    residents: int = 0
    actions: int = 0
    entries: int = 0
    boards: int = 0
