"""Residents' profiles: what they may change, where they live, what they consent to, and how they leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import delete, select

from backend.database import db
from backend.errors import NotFoundError, UnauthenticatedError, ValidationFailedError
from backend.residents import changes as feed
from backend.residents import consents, departures, homes
from backend.residents.auth import Caller
from backend.residents.departures import Leaving
from backend.residents.models import Area, IdempotencyKey, Identity_, Resident
from backend.web.paging import Page, page_of


def lock(resident_id: int) -> Resident:
    """The resident's row, locked until the transaction ends; raises NotFoundError."""
    query = select(Resident).where(Resident.resident_id == resident_id).with_for_update()
    resident = db.session.scalar(query.execution_options(populate_existing=True))
    if resident is None:
        raise NotFoundError
    return resident


@dataclass(frozen=True, slots=True)
class Changed:
    """A resident after a change, and whether they live elsewhere now."""

    resident: Resident
    moved: bool


def change_profile(caller: Caller, changes: Mapping[str, Any], *, now: datetime) -> Changed:
    """Change what is given of nickname, avatar_url, district, community (codes) and leaderboard_consent.

    A community brings its district along where none is set; another district lets go of the community before.
    Raises ValidationFailedError for an unknown code, or a community that lies elsewhere, UnauthenticatedError where
    the caller's sessions have been ended meanwhile.
    """
    resident = lock(caller.resident_id)
    if resident.state != "active" or resident.token_epoch != caller.epoch:
        raise UnauthenticatedError
    before, shown = homes.home(resident), _shown(resident)
    if "nickname" in changes:
        resident.nickname = changes["nickname"]
    if "avatar_url" in changes:
        resident.avatar_url = changes["avatar_url"]
    if changes.keys() & {"district", "community"}:
        _move(resident, changes)
    if "leaderboard_consent" in changes:
        _consent(resident, given=changes["leaderboard_consent"], now=now)
    db.session.flush()
    moved = before != homes.home(resident)
    if moved:
        homes.left(resident.resident_id, before)
    if shown != _shown(resident):
        feed.tell(resident.resident_id, now=now)
    return Changed(resident, moved=moved)


def list_areas(*, district: str | None, limit: int, after: str | None) -> Page:
    """Districts, and of one district its communities, in order of their codes."""
    query = select(Area).order_by(Area.code).limit(limit + 1)
    if district is None:
        query = query.where(Area.kind == "district")
    else:
        query = query.where(Area.district_id == _area("district", district).id)
    if after is not None:
        query = query.where(Area.code > after)
    return page_of(db.session.scalars(query).all(), limit=limit, key=lambda area: area.code)


def hide(resident: Resident, *, hidden: bool, now: datetime) -> None:
    """Hide from others what a resident chose, or show it again; doing it again changes nothing.

    Expects the wallet locked and then the resident, for that is frozen together with it. Call it last: see
    `changes.tell`.
    """
    if resident.hidden != hidden:
        resident.hidden = hidden
        db.session.flush()
        feed.tell(resident.resident_id, now=now)


def erase(resident: Resident, *, leaving: Leaving, now: datetime) -> None:
    """Remove everything personal, and end all sessions; the row stays for the books, without a person.

    Who signed in as the resident is known again for a while, by what `leaving` says. Call it last: see `changes.tell`.
    """
    resident.state = "erased"
    resident.nickname, resident.avatar_url, resident.session_key = "", None, None
    resident.district_id = resident.community_id = None
    resident.leaderboard_consent = resident.hidden = False
    resident.left_on = resident.left_points = resident.left_taken = None
    resident.token_epoch += 1
    owner = resident.resident_id
    departures.note(owner, leaving)
    db.session.execute(delete(Identity_).where(Identity_.resident_id == owner))
    # Stored answers may hold a delivery address or a voucher's code.
    db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.resident_id == owner))
    homes.erase(owner)
    consents.withdraw_all(owner, now=now)
    db.session.flush()
    feed.tell(owner, now=now, token_epoch=resident.token_epoch)


def _shown(resident: Resident) -> tuple[str, str | None] | None:
    """What others may see; None: nothing."""
    return (resident.nickname, resident.avatar_url) if resident.leaderboard_consent else None


def _move(resident: Resident, changes: Mapping[str, Any]) -> None:
    if "district" in changes:
        code = changes["district"]
        district_id = None if code is None else _area("district", code).id
        if district_id != resident.district_id:
            resident.district_id, resident.community_id = district_id, None
    if "community" not in changes:
        return
    code = changes["community"]
    if code is None:
        resident.community_id = None
        return
    community = _area("community", code)
    if "district" not in changes and resident.district_id is None:
        resident.district_id = community.district_id
    if community.district_id != resident.district_id:
        message = gettext("This community lies in another district: send its district too.")
        raise ValidationFailedError.of({"community": message})
    resident.community_id = community.id


def _area(kind: str, code: str) -> Area:
    area = db.session.scalar(select(Area).where(Area.code == code, Area.kind == kind))
    if area is None:
        raise ValidationFailedError.of({kind: gettext("There is no such place: GET /areas lists the codes.")})
    return area


def _consent(resident: Resident, *, given: bool, now: datetime) -> None:
    if given == resident.leaderboard_consent:
        return
    resident.leaderboard_consent = given
    change = consents.give if given else consents.withdraw
    change(resident.resident_id, purpose=consents.LEADERBOARD, now=now)
