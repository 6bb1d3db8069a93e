"""Who I am: profile, level, balance and lifetime reduction."""

from collections.abc import Mapping
from typing import Any

from backend import clock, database
from backend.account import freezing, reading, returning
from backend.account.reading import MINE
from backend.catalogue.rules import level
from backend.leaderboard.moving import moved
from backend.ledger import service as ledger
from backend.residents import auth, signing_in
from backend.residents import service as residents
from backend.residents.auth import Caller
from backend.residents.models import Resident
from backend.web.schemas import grams

_ME = f"""
SELECT r.nickname, r.avatar_url, d.code, c.code, r.joined_at, r.leaderboard_consent,
    w.balance, w.co2e_mg, w.actions, w.frozen
FROM residents r
JOIN wallets w ON w.resident_id = r.resident_id
LEFT JOIN areas d ON d.id = r.district_id
LEFT JOIN areas c ON c.id = r.community_id
WHERE {MINE}
"""  # noqa: S608  the parts are ours


def sign_in(code: str) -> dict[str, Any]:
    """Sign in with the code of wx.login: token, its end, whether for the first time, and the profile."""
    session = signing_in.ask_wechat(code)
    now = clock.now()
    arrival = signing_in.arrive(session, now=now)
    resident = arrival.resident
    if arrival.is_new:
        ledger.open_wallet(resident.resident_id)
    if arrival.left is not None:
        returning.take_up(resident, arrival.left, now=now)
    token = auth.issue(resident)
    return {
        "token": token.token,
        "expires_at": token.expires_at,
        "is_new": arrival.is_new,
        "resident": _written(resident),
    }


def show(caller: Caller) -> dict[str, Any]:
    """The profile, in one statement; who is frozen costs a second one. Raises UnauthenticatedError."""
    return _shown(reading.rows(_ME, caller=caller)[0], resident_id=caller.resident_id)


def change(caller: Caller, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is given and show the profile as it is then.

    Raises ValidationFailedError, UnauthenticatedError.
    """
    now = clock.now()
    changed = residents.change_profile(caller, changes, now=now)
    if changed.moved:
        moved(caller.resident_id, now=now)
    return _written(changed.resident)


def _written(resident: Resident) -> dict[str, Any]:
    caller = Caller(resident.resident_id, resident.token_epoch)
    return _shown(reading.rows_with(database.cursor(), _ME, caller=caller)[0], resident_id=caller.resident_id)


def _shown(row: tuple[Any, ...], *, resident_id: int) -> dict[str, Any]:
    nickname, avatar_url, district, community, joined_at, consent, balance, co2e_mg, actions, frozen = row
    return {
        "nickname": nickname,
        "avatar_url": avatar_url,
        "district": district,
        "community": community,
        "level": level(co2e_mg),
        "joined_at": clock.rfc3339(joined_at),
        "leaderboard_consent": consent,
        "wallet": {"balance": balance},
        "reduction": {"co2e_g": grams(co2e_mg), "actions": actions},
        "frozen": freezing.why(resident_id) if frozen else None,
    }
