"""What boards call residents: by their nickname if they consented, else by a pseudonym that tells nothing.

Who is hidden is called by the pseudonym too: nothing that a frozen resident chose is shown to others meanwhile.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

from flask import json
from flask_babel import gettext

from backend import present
from backend.database import array, prepared_statements
from backend.leaderboard.knowledge import Known, knowledge
from backend.residents.avatars import pattern

UNKNOWN = ""
"""In place of a name that this process does not keep."""

# Only who wants to be named is read, as one value: fifty rows would cost more than all the rest. Written as labels are
# shown, for Python takes ten times as long to write them.
_NAMES = """
SELECT jsonb_object_agg(n.resident_id,
    '"name":' || to_json(n.nickname)::text || ',"avatar_url":'
        || coalesce(CASE WHEN n.avatar_url ~* %s::text THEN to_json(n.avatar_url)::text END, 'null'))
FROM residents n
WHERE n.resident_id = ANY(%s::bigint[]) AND n.leaderboard_consent AND n.state = 'active' AND n.nickname <> ''
    AND NOT n.hidden
"""


def labels(ids: Sequence[int], *, known: Known, language: str) -> list[str]:
    """`"name":…,"avatar_url":…` as JSON for each of these residents, as of `known` or later.

    `language` is the caller's. Whose names this process does not keep are read in one statement.
    """
    kept = knowledge().names
    found = [kept.get(owner, UNKNOWN) for owner in ids]
    if UNKNOWN in found:
        read = _read([owner for owner, label in zip(ids, found, strict=True) if label == UNKNOWN], known=known)
        found = [label or read[owner] for owner, label in zip(ids, found, strict=True)]
    before, after = _around_code(language)
    # Of whoever wants no name the pseudonym's code is kept: the words around it are the caller's language.
    return [label if label[0] == '"' else f"{before}{label}{after}" for label in found]


def _read(ids: Sequence[int], *, known: Known) -> Mapping[int, str]:
    chosen = present.settings()
    with prepared_statements() as cursor:
        row = cursor.execute(_NAMES, (pattern(chosen.avatar_hosts), array(ids))).fetchone()
    named = (row and row[0]) or {}
    secret = chosen.secret_key
    labelled = {owner: named.get(str(owner)) or _code(owner, secret) for owner in ids}
    knowledge().keep(labelled, known=known)
    return labelled


@lru_cache(maxsize=16)
def _around_code(language: str) -> tuple[str, str]:  # noqa: ARG001  `language` is what it is kept by
    words = json.dumps(gettext("Resident %(code)s") % {"code": "\0"}, ensure_ascii=False)
    before, _, after = words.partition("\\u0000")
    return f'"name":{before}', f'{after},"avatar_url":null'


def _code(resident_id: int, secret: str) -> str:
    keyed = _keyed(secret).copy()
    keyed.update(str(resident_id).encode())
    return keyed.hexdigest().upper()


@lru_cache(maxsize=4)
def _keyed(secret: str) -> blake2b:
    key = blake2b(secret.encode(), person=b"tanhui-board").digest()
    return blake2b(key=key, digest_size=3)
