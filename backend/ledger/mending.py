"""Mending a wallet: each column that follows from rows kept elsewhere becomes what they say.

Only where those rows agree among themselves: a wallet made from entries that lie would lie for good.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from backend.database import db
from backend.ledger.models import Wallet, YearlyPoints

OURS = ("balance", "earned", "spent", "expired", "adjusted", "held", "entry_seq")
"""Columns that follow from the ledger's own rows."""
THEIRS = ("action_seq", "actions", "co2e_mg", "redemption_seq")
"""And those that follow from rows of others."""

_BOOKS = text("""
WITH e AS (
    SELECT *, row_number() OVER in_order AS place, sum(points) OVER in_order AS running FROM ledger_entries
    WHERE resident_id = :who WINDOW in_order AS (ORDER BY seq))
SELECT coalesce(sum(points), 0)::bigint AS balance,
    coalesce(sum(points) FILTER (WHERE contra = 'issuance'), 0)::bigint AS earned,
    -coalesce(sum(points) FILTER (WHERE contra = 'redemption'), 0)::bigint AS spent,
    -coalesce(sum(points) FILTER (WHERE contra = 'expiry'), 0)::bigint AS expired,
    coalesce(sum(points) FILTER (WHERE contra = 'adjustment'), 0)::bigint AS adjusted,
    coalesce(max(seq), 0) AS entry_seq,
    min(seq) FILTER (WHERE seq <> place OR balance_after <> running) AS broken,
    coalesce(max(reference_id) FILTER (WHERE reference_kind = 'action'), 0) AS last_action,
    coalesce(max(reference_id) FILTER (WHERE reference_kind = 'redemption'), 0) AS last_redemption,
    (SELECT coalesce(sum(remaining), 0)::bigint FROM lots WHERE resident_id = :who) AS lots,
    (SELECT coalesce(sum(points), 0)::bigint FROM holds WHERE resident_id = :who AND state = 'held') AS held,
    (SELECT coalesce(sum(points), 0)::bigint FROM holds WHERE resident_id = :who AND state <> 'released') AS taken
FROM e
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What a resident's rows outside the ledger say: columns of the wallet, and points of credited actions by year."""

    action_seq: int
    actions: int
    co2e_mg: int
    redemption_seq: int
    years: Mapping[int, int]


class Change(NamedTuple):
    """A number, or whether something is so: as it was, and as it is."""

    before: int
    after: int


class UnmendableError(Exception):
    """Rows from which the wallet follows do not agree: says which, and what to do. Nothing was changed."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}: freeze the resident, and look at a backup (docs/faults.md, Books)")


def mend(wallet: Wallet, *, elsewhere: Elsewhere) -> dict[str, Change]:
    """Write what differs in a locked wallet and in the resident's yearly points; says what. Raises UnmendableError."""
    books = db.session.execute(_BOOKS, {"who": wallet.resident_id}).mappings().one()
    for fault in _faults(books, elsewhere):
        raise UnmendableError(fault)
    right = {column: books[column] for column in OURS} | {column: getattr(elsewhere, column) for column in THEIRS}
    found = {column: getattr(wallet, column) for column in right}
    changes = {column: Change(found[column], value) for column, value in right.items() if found[column] != value}
    for column, change in changes.items():
        setattr(wallet, column, change.after)
    years = _mend_years(wallet.resident_id, elsewhere.years)
    db.session.flush()
    return changes | {f"points_of_{year}": change for year, change in years.items()}


def _faults(books: Mapping[Any, Any], elsewhere: Elsewhere) -> Iterator[str]:
    if books["broken"] is not None:
        yield f"entry {books['broken']} does not follow from the one before it, and entries never change"
    if books["lots"] != books["balance"]:
        yield f"lots hold {books['lots']} points, entries leave {books['balance']}, and lots cannot be recomputed"
    earned = sum(elsewhere.years.values())
    if books["earned"] != earned:
        yield f"{books['earned']} points were earned by entries, and {earned} by actions"
    if books["spent"] != books["taken"]:
        yield f"{books['spent']} points were spent by entries, and {books['taken']} by holds"
    # A number that is given out again meets the entries of the one before: nothing would be recorded any more.
    for kind, last in (("action", elsewhere.action_seq), ("redemption", elsewhere.redemption_seq)):
        named = books[f"last_{kind}"]
        if named > last:
            yield f"an entry names {kind} {named}, and the last that there is has number {last}"


def _mend_years(resident_id: int, right: Mapping[int, int]) -> dict[int, Change]:
    query = select(YearlyPoints.year, YearlyPoints.points).where(YearlyPoints.resident_id == resident_id)
    found = dict(iter(db.session.execute(query)))
    # A year without a row is one without points, on either side.
    pairs = {year: Change(found.get(year, 0), right.get(year, 0)) for year in found.keys() | right.keys()}
    changes = {year: one for year, one in pairs.items() if one.before != one.after}
    if changes:
        rows = [{"resident_id": resident_id, "year": year, "points": one.after} for year, one in changes.items()]
        row = insert(YearlyPoints).values(rows)
        same, more = ["resident_id", "year"], {"points": row.excluded.points}
        db.session.execute(row.on_conflict_do_update(index_elements=same, set_=more))
    return changes
