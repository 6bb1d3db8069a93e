"""What boards call residents: by their nickname if they consented, else by a pseudonym that tells nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from flask import current_app
from flask_babel import gettext

from backend.database import array, prepared_statements
from backend.errors import UnauthenticatedError
from backend.leaderboard.epochs import State
from backend.residents.auth import Caller

_REVISION = "(SELECT revision FROM names_revision)"
_SEEN = f"""
SELECT s.epoch, s.behind, {_REVISION}
FROM residents r LEFT JOIN board_state s ON s.id = 1
WHERE r.resident_id = %(me)s AND r.state = 'active' AND r.token_epoch = %(token_epoch)s
"""  # noqa: S608  the parts are ours
# Only who wants to be named is read, as one value: fifty rows would cost more than all the rest.
_PEOPLE = f"""
SELECT s.epoch, s.behind, {_REVISION}, (
    SELECT jsonb_object_agg(n.resident_id, jsonb_build_array(n.nickname, n.avatar_url)) FROM residents n
    WHERE n.resident_id = ANY(%(ids)s::bigint[]) AND n.leaderboard_consent AND n.state = 'active' AND n.nickname <> '')
FROM residents r LEFT JOIN board_state s ON s.id = 1
WHERE r.resident_id = %(me)s AND r.state = 'active' AND r.token_epoch = %(token_epoch)s
"""  # noqa: S608  the parts are ours
CODES = 100_000
"""Pseudonyms that a process remembers: they never change."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of the boards, and the revision of all names, at one moment."""

    state: State
    revision: int


@dataclass(frozen=True, slots=True)
class People:
    """Residents by their ids: (name, avatar_url), as of the moment that was seen."""

    names: Mapping[int, tuple[str, str | None]]
    seen: Seen


def look(caller: Caller) -> Seen:
    """What a page that was kept must be compared with; raises UnauthenticatedError for a token that ended."""
    return _seen(_row(_SEEN, caller))


def look_up(ids: list[int], *, caller: Caller) -> People:
    """Names and avatars for these residents, in one statement; raises UnauthenticatedError for a token that ended."""
    row = _row(_PEOPLE, caller, ids=array(ids))
    template, secret = gettext("Resident %(code)s"), current_app.extensions["settings"].secret_key
    names = {owner: (template % {"code": _code(owner, secret)}, None) for owner in ids}
    names.update({int(owner): (nickname, avatar_url) for owner, (nickname, avatar_url) in (row[3] or {}).items()})
    return People(names, _seen(row))


def _row(sql: str, caller: Caller, **values: object) -> tuple[Any, ...]:
    with prepared_statements() as cursor:
        cursor.execute(sql, {"me": caller.resident_id, "token_epoch": caller.epoch, **values})
        row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise UnauthenticatedError
    return row


def _seen(row: tuple[Any, ...]) -> Seen:
    epoch, behind, revision = row[:3]
    return Seen(State(epoch or 0, bool(behind)), revision or 0)


@lru_cache(maxsize=CODES)
def _code(resident_id: int, secret: str) -> str:
    key = blake2b(secret.encode(), person=b"tanhui-board").digest()
    return blake2b(str(resident_id).encode(), key=key, digest_size=3).hexdigest().upper()
