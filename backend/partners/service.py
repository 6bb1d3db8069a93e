"""Partners, and the key pairs that they sign with."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from backend import sealing
from backend.database import db
from backend.errors import NotFoundError
from backend.partners.models import Partner, PartnerKey

KEY_BYTES = 12
SECRET_BYTES = 32
"""As many as HMAC-SHA256 makes use of (RFC 2104, section 3)."""


def find(code: str) -> Partner:
    """The active partner of that code; raises NotFoundError naming it."""
    partner = find_any(code)
    if not partner.active:
        raise NotFoundError(_l("There is no active partner %(code)s.", code=code))
    return partner


def find_any(code: str) -> Partner:
    """The partner of that code, whether it is active or not; raises NotFoundError naming it."""
    partner = db.session.scalar(select(Partner).where(Partner.code == code))
    if partner is None:
        raise NotFoundError(_l("There is no partner %(code)s.", code=code))
    return partner


def list_codes() -> Sequence[str]:
    """The codes of all active partners."""
    return db.session.scalars(select(Partner.code).where(Partner.active).order_by(Partner.code)).all()


def new_key(partner: Partner, *, now: datetime) -> tuple[PartnerKey, str]:
    """A new key pair of a partner: its row, and the secret in the clear, which nobody can read again later."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    key = PartnerKey(
        partner_id=partner.id,
        key=f"pk_{secrets.token_urlsafe(KEY_BYTES)}",
        secret=sealing.seal(secret),
        created_at=now,
    )
    db.session.add(key)
    db.session.flush()
    return key, secret


def secrets_of(partner: Partner) -> Sequence[str]:
    """The secrets of a partner's keys that are not revoked, newest first."""
    query = select(PartnerKey.secret).where(PartnerKey.partner_id == partner.id, PartnerKey.revoked_at.is_(None))
    return [sealing.unseal(sealed) for sealed in db.session.scalars(query.order_by(PartnerKey.id.desc()))]
