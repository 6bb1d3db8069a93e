"""Residents as admins see them: found by nickname or id (never by openid), frozen and unfrozen."""

from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import aliased

from backend import clock
from backend.account import freezing
from backend.database import db
from backend.errors import NotFoundError
from backend.ledger import service as ledger
from backend.ledger.models import Wallet
from backend.residents import service as residents
from backend.residents.models import Area, Resident
from backend.web.paging import Page, decode_number, page_of

LONGEST_ID = 18
"""Digits; an id beyond them does not exist."""


@dataclass(frozen=True, slots=True)
class Account:
    """A resident with the state of the wallet, and where the resident lives (codes)."""

    resident: Resident
    wallet: Wallet
    district: str | None
    community: str | None


def search(*, query: str, limit: int, cursor: str | None) -> Page:
    """A page of residents whose nickname begins so, or whose id it is; an empty query finds all. By id."""
    after = decode_number(cursor, below=2**63) or 0
    matching = _accounts().where(Resident.resident_id > after).order_by(Resident.resident_id)
    if query:
        found = Resident.nickname.startswith(query, autoescape=True)
        is_id = query.isascii() and query.isdigit() and len(query) <= LONGEST_ID
        matching = matching.where(or_(found, Resident.resident_id == int(query)) if is_id else found)
    rows = db.session.execute(matching.limit(limit + 1)).all()
    accounts = [Account(*row) for row in rows]
    return page_of(accounts, limit=limit, key=lambda account: account.resident.resident_id)


def find(resident_id: int) -> Account:
    """The resident with that id; raises NotFoundError."""
    row = db.session.execute(_accounts().where(Resident.resident_id == resident_id)).one_or_none()
    if row is None:
        raise NotFoundError
    return Account(*row)


def set_frozen(resident_id: int, *, frozen: bool, reason: str, by: str) -> Account:
    """Freeze (earns and spends nothing, is not named to others) or unfreeze; doing it again changes nothing.

    Raises NotFoundError, also for who has left: that wallet stays frozen for good.
    """
    wallet = ledger.lock_wallet(resident_id)
    resident = residents.lock(resident_id)
    account = find(resident_id)
    if resident.state == "erased":
        raise NotFoundError
    freezing.set_frozen(wallet, resident, frozen=frozen, by=by, now=clock.now(), reason=reason)
    return account


def _accounts() -> Select[Resident, Wallet, str | None, str | None]:
    district, community = aliased(Area), aliased(Area)
    return (
        select(Resident, Wallet, district.code, community.code)
        .join(Wallet, Wallet.resident_id == Resident.resident_id)
        .outerjoin(district, district.id == Resident.district_id)
        .outerjoin(community, community.id == Resident.community_id)
    )
