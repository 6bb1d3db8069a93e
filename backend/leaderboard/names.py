"""What boards call residents: by their nickname if they consented, else by a pseudonym that tells nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from flask import current_app
from flask_babel import gettext

from backend.database import array, prepared_statements
from backend.errors import UnauthenticatedError
from backend.leaderboard.epochs import State
from backend.residents.auth import Caller

# Only who wants to be named is read, as one value: fifty rows would cost more than all the rest.
_PEOPLE = """
SELECT s.epoch, s.behind, (
    SELECT jsonb_object_agg(n.resident_id, jsonb_build_array(n.nickname, n.avatar_url)) FROM residents n
    WHERE n.resident_id = ANY(%(ids)s::bigint[]) AND n.leaderboard_consent AND n.state = 'active' AND n.nickname <> '')
FROM residents r LEFT JOIN board_state s ON s.id = 1
WHERE r.resident_id = %(me)s AND r.state = 'active' AND r.token_epoch = %(token_epoch)s
"""
CODES = 100_000
"""Pseudonyms that a process remembers: they never change."""


@dataclass(frozen=True, slots=True)
class People:
    """Residents by their ids: (name, avatar_url); and the state of the boards at the same moment."""

    names: Mapping[int, tuple[str, str | None]]
    state: State


def look_up(ids: list[int], *, caller: Caller) -> People:
    """Names and avatars for these residents, in one statement; raises UnauthenticatedError for a token that ended."""
    with prepared_statements() as cursor:
        values = {"ids": array(ids), "me": caller.resident_id, "token_epoch": caller.epoch}
        row = cursor.execute(_PEOPLE, values).fetchone()
    if row is None:
        raise UnauthenticatedError
    epoch, behind, shown = row
    template, secret = gettext("Resident %(code)s"), current_app.extensions["settings"].secret_key
    names = {owner: (template % {"code": _code(owner, secret)}, None) for owner in ids}
    names.update({int(owner): (nickname, avatar_url) for owner, (nickname, avatar_url) in (shown or {}).items()})
    return People(names, State(epoch or 0, bool(behind)))


@lru_cache(maxsize=CODES)
def _code(resident_id: int, secret: str) -> str:
    key = blake2b(secret.encode(), person=b"tanhui-board").digest()
    return blake2b(str(resident_id).encode(), key=key, digest_size=3).hexdigest().upper()
