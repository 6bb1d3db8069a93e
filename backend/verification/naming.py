"""Naming what differs: exact statements over a few residents, each answering (resident, what, expected, found)."""

from collections.abc import Iterator, Mapping
from typing import Any

from backend.database.abreast import Cursor
from backend.verification import actions, entries, events, limits, lots, projections, redemptions, trips, wallets
from backend.verification.difference import Difference
from backend.verification.sides import OF_THE_NAMED

BOOKS = {
    "entries": entries.STATEMENTS,
    "wallets": wallets.STATEMENTS,
    "lots": lots.STATEMENTS,
    "actions": actions.STATEMENTS,
    "limits": (limits.of(OF_THE_NAMED),),
    "trips": (trips.of(OF_THE_NAMED),),
    "events": events.STATEMENTS,
    "redemptions": redemptions.STATEMENTS,
    "scores": projections.SCORES,
    "participations": projections.PARTICIPATIONS,
}
"""Book → its statements; `%(residents)s` are the residents looked at."""
_STATEMENTS = [(book, statement) for book, statements in BOOKS.items() for statement in statements]
AT_ONCE = 500
"""Residents a statement: enough to be quick about it, few enough to stay small."""


def differences(cursor: Cursor, suspects: Mapping[int, bool], *, parameters: dict[str, Any]) -> Iterator[Difference]:
    """Every difference in the books of these residents, book by book.

    `suspects` says of each whether the screen is certain: then not finding where is a difference too.
    """
    residents = sorted(suspects)
    for start in range(0, len(residents), AT_ONCE):
        some = residents[start : start + AT_ONCE]
        named: set[int] = set()
        for book, statement in _STATEMENTS:
            for who, what, expected, found in cursor.execute(statement, {**parameters, "residents": some}).fetchall():
                named.add(who)
                yield Difference(book, str(who), what, expected, found)
        for who in some:
            if suspects[who] and who not in named:
                yield Difference("screen", str(who), "sums of all books", "equal", "different, and no book says where")
