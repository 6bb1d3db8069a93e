"""What a restored site must see to: voucher codes that were handed out after the backup was made are in use."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import select

from backend import clock
from backend.database import cursor, db, text_array
from backend.rewards import stocking, vouchers
from backend.rewards.models import NOBODY, Reward

_TAKE = """
UPDATE vouchers v SET resident_id = %s, claimed_at = %s
FROM unnest(%s::text[]) AS given (code)
WHERE v.reward_id = %s AND v.code = given.code AND v.resident_id IS NULL
"""
_KEEP = """
INSERT INTO vouchers (reward_id, code, resident_id, loaded_at, claimed_at)
SELECT %s, unnest(%s::text[]), %s, %s, %s ON CONFLICT DO NOTHING
"""
"""Codes that were loaded after the backup too: whoever loads their file again must not bring them back."""


def withdraw(codes: Sequence[tuple[str, str]], *, by: str) -> int:
    """Give codes to nobody, for good, each by its reward's code and its own; returns how many pools still held.

    A reward that is not there is passed over: what it gave cannot be given again.
    """
    now = clock.now()
    withdrawn = 0
    for reward_code, given in groupby(sorted(codes), key=itemgetter(0)):
        reward_id = db.session.scalar(select(Reward.id).where(Reward.code == reward_code, Reward.kind == "voucher"))
        if reward_id is not None:
            withdrawn += _withdraw(reward_id, [code for _, code in given], by=by, now=now)
    return withdrawn


def _withdraw(reward_id: int, codes: Sequence[str], *, by: str, now: datetime) -> int:
    sql, taken = cursor(), 0
    for start in range(0, len(codes), vouchers.AT_ONCE):
        some = text_array(codes[start : start + vouchers.AT_ONCE])
        taken += sql.execute(_TAKE, (NOBODY, now, some, reward_id)).rowcount
        sql.execute(_KEEP, (reward_id, some, NOBODY, now, now))
    if taken:
        stocking.withdraw_codes(reward_id, withdrawn=taken, by=by, now=now)
    return taken
