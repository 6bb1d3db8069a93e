"""Who signs in with WeChat: the resident they are, made on the first time."""

from dataclasses import dataclass
from datetime import datetime

import httpx
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from backend import present, redis, sealing
from backend.config import Settings
from backend.database import db
from backend.residents import departures
from backend.residents.models import Departure, Identity_, Resident
from backend.residents.wechat import WeChatClient, WeChatSession
from backend.residents.wechat_sandbox import create_sandbox

PROVIDER = departures.SIGNS_IN


@dataclass(frozen=True, slots=True)
class Arrival:
    """A resident who signs in, and whether for the first time with this account."""

    resident: Resident
    is_new: bool
    left: Departure | None = None
    """What is known of one who had left an account before."""


def ask_wechat(code: str) -> WeChatSession:
    """Who obtained this code from wx.login; raises InvalidCodeError or UpstreamUnavailableError.

    Ask before the transaction's first statement, so that no connection waits for WeChat.
    """
    return present.made_once("wechat", lambda: _client(present.settings())).code_to_session(code)


def arrive(session: WeChatSession, *, now: datetime) -> Arrival:
    """The resident with this openid, who gets the new session key; made if there is none.

    Of several first sign-ins at once, one makes the resident; the others wait for it on the identity's key.
    """
    known = _known(session.openid)
    arrival = _make(session.openid, now=now) if known is None else Arrival(known, is_new=False)
    arrival.resident.session_key = sealing.seal(session.session_key)
    db.session.flush()
    return arrival


def _client(settings: Settings) -> WeChatClient:
    app_id, secret = settings.wechat_app_id, settings.wechat_secret
    transport = None
    if settings.wechat_mode == "sandbox":
        stand_in = create_sandbox(redis.client(), app_id=app_id, secret=secret)
        transport = httpx.WSGITransport(app=stand_in)
    return WeChatClient(base_url=settings.wechat_base_url, app_id=app_id, secret=secret, transport=transport)


def _known(openid: str) -> Resident | None:
    # Asked for by its state, which is looked at again under the lock: who was erased gets no new session key.
    query = (
        select(Resident)
        .join(Identity_, Identity_.resident_id == Resident.resident_id)
        .where(Identity_.provider == PROVIDER, Identity_.subject == openid, Resident.state == "active")
        .with_for_update(of=Resident)
    )
    return db.session.scalar(query)


def _make(openid: str, *, now: datetime) -> Arrival:
    drawn = db.session.scalar(select(func.nextval(func.pg_get_serial_sequence("residents", "resident_id"))))
    claim = insert(Identity_).values(provider=PROVIDER, subject=openid, resident_id=drawn)
    # An update, not nothing, on conflict: it waits for who came first, and answers with their resident.
    same = claim.on_conflict_do_update(index_elements=["provider", "subject"], set_={"subject": claim.excluded.subject})
    owner = db.session.scalar(same.returning(Identity_.resident_id))
    if owner != drawn:
        return Arrival(db.session.get_one(Resident, owner, with_for_update=True), is_new=False)
    # The identity is ours: who leaves at this moment has left before it was, and said so in a row that this sees.
    left = departures.take(PROVIDER, openid)
    resident = Resident(resident_id=drawn, joined_at=now)
    if left is not None:
        resident.left_on, resident.left_points, resident.left_taken = left.left_on, left.year_points, left.taken
    db.session.add(resident)
    db.session.flush()
    return Arrival(resident, is_new=True, left=left)
