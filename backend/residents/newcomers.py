"""Residents whom somebody else brings along, many at a time: known by that provider's own ids."""

from collections.abc import Mapping
from datetime import datetime

from backend.database import array, cursor, text_array

_KNOWN = "SELECT subject, resident_id FROM identities WHERE provider = %s AND subject = ANY(%s::text[])"
_NUMBERS = "SELECT nextval(pg_get_serial_sequence('residents', 'resident_id')) FROM generate_series(1, %s)"
_ADD_RESIDENTS = """
INSERT INTO residents (resident_id, state, nickname, leaderboard_consent, simulated, token_epoch, joined_at)
SELECT d.resident_id, 'active', d.nickname, false, false, 0, %s
FROM unnest(%s::bigint[], %s::text[]) AS d (resident_id, nickname)
"""
_ADD_IDENTITIES = """
INSERT INTO identities (provider, subject, resident_id)
SELECT %s, d.subject, d.resident_id FROM unnest(%s::text[], %s::bigint[]) AS d (subject, resident_id)
"""


def admit(nicknames: Mapping[str, str], *, provider: str, now: datetime) -> dict[str, int]:
    """Residents for a provider's subjects (subject → nickname), made where there are none: subject → resident_id.

    The caller holds a lock on each subject, so that two cannot make the same resident.
    """
    sql = cursor()
    residents = dict(sql.execute(_KNOWN, (provider, text_array(nicknames))).fetchall())
    new = [subject for subject in nicknames if subject not in residents]
    numbers = [row[0] for row in sql.execute(_NUMBERS, (len(new),))]
    sql.execute(_ADD_RESIDENTS, (now, array(numbers), text_array([nicknames[subject] for subject in new])))
    sql.execute(_ADD_IDENTITIES, (provider, text_array(new), array(numbers)))
    return residents | dict(zip(new, numbers, strict=True))
