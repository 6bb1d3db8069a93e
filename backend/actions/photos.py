"""Photos that several actions bear: whoever reviews one of them sees the others. Nothing is refused by that alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.actions.models import Action
from backend.database import cursor, text_array
from backend.web import public_ids

COUNTED = 1_000
"""Others that are counted. A fault of a client may give everybody's photo one hash, and the list must still come."""
SHOWN = 5
"""Others that are named."""
# One more than is told of either, for the action itself is among them. Written into the statement, as what is planned
# for a limit that is not known would be to read a tenth of all.
BEARING = f"""
SELECT p.photo, a.number, a.resident_id, a.seq, a.status
FROM unnest(%s::text[]) AS p (photo)
CROSS JOIN LATERAL (
    SELECT o.*, count(*) OVER () AS number
    FROM (
        SELECT resident_id, seq, status, posted_at FROM actions
        WHERE evidence ->> 'photo_sha256' = p.photo LIMIT {COUNTED + 1}
    ) o
    ORDER BY posted_at, resident_id, seq LIMIT {SHOWN + 1}
) a
ORDER BY a.posted_at, a.resident_id, a.seq
"""  # noqa: S608  the parts are ours


class _Bearing(NamedTuple):
    """How many actions bear a photo, and the first of them."""

    number: int
    first: list[Sequence[Any]]
    """(resident_id, seq, status) of each."""


def same_photo(actions: Sequence[Action]) -> list[dict[str, Any] | None]:
    """For each action what a SamePhotoSchema shows: the other actions whose photo has the same hash, whoever's.

    All count, whatever became of them. None for an action without a hash: what has only an address cannot be compared.
    One statement for any number of actions. A resident who is erased leaves no evidence, thus no hash either: what they
    sent is compared no more, neither with what came before nor with what comes after.
    """
    photos = [(action.evidence or {}).get("photo_sha256") for action in actions]
    found = _bearing({photo for photo in photos if photo})
    return [
        _others(action, found.get(photo, _Bearing(1, []))) if photo else None
        for action, photo in zip(actions, photos, strict=True)
    ]


def _bearing(photos: set[str]) -> dict[str, _Bearing]:
    found: dict[str, _Bearing] = {}
    if photos:
        for photo, number, *action in cursor().execute(BEARING, (text_array(photos),)):
            found.setdefault(photo, _Bearing(number, [])).first.append(action)
    return found


def _others(action: Action, bearing: _Bearing) -> dict[str, Any]:
    itself = (action.resident_id, action.seq)
    others = [
        {"id": public_ids.text(resident_id, seq), "status": status}
        for resident_id, seq, status in bearing.first
        if (resident_id, seq) != itself
    ]
    return {"count": bearing.number - 1, "actions": others[:SHOWN]}
