"""What boards call residents: by their nickname if they consented, else by a pseudonym that tells nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from flask import current_app
from flask_babel import gettext

from backend.database import statements
from backend.errors import UnauthenticatedError
from backend.leaderboard.epochs import State
from backend.residents.auth import Caller

_PEOPLE = """
SELECT r.resident_id, CASE WHEN r.leaderboard_consent AND r.state = 'active' THEN r.nickname ELSE '' END, r.avatar_url,
    r.state = 'active' AND r.token_epoch = %(token_epoch)s, s.epoch, s.behind
FROM residents r LEFT JOIN board_state s ON s.id = 1 WHERE r.resident_id = ANY(%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class People:
    """Residents by their ids: (name, avatar_url); and the state of the boards at the same moment."""

    names: Mapping[int, tuple[str, str | None]]
    state: State


def look_up(ids: list[int], *, caller: Caller) -> People:
    """Names and avatars for these residents, in one statement; raises UnauthenticatedError for a token that ended."""
    with statements() as cursor:
        values = {"ids": [*ids, caller.resident_id], "token_epoch": caller.epoch}
        rows = cursor.execute(_PEOPLE, values).fetchall()
    template = gettext("Resident %(code)s")
    named: dict[int, tuple[str, str | None]] = {}
    valid, state = False, State()
    for resident_id, nickname, avatar_url, is_valid, epoch, behind in rows:
        named[resident_id] = (nickname, avatar_url) if nickname else (template % {"code": _code(resident_id)}, None)
        if resident_id == caller.resident_id:
            valid, state = is_valid, State(epoch or 0, bool(behind))
    if not valid:
        raise UnauthenticatedError
    return People(named, state)


def pseudonym(resident_id: int) -> str:
    """The name of a resident who wants none: the same on every board, and no way back to the id without our secret."""
    return str(gettext("Resident %(code)s", code=_code(resident_id)))


def _code(resident_id: int) -> str:
    secret = current_app.extensions["settings"].secret_key.encode()[:64]
    return blake2b(str(resident_id).encode(), key=secret, person=b"tanhui-board", digest_size=3).hexdigest().upper()
